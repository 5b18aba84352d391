// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NetworkInterfaces

@Suite struct NetlinkMessageTests {
    /// A veth as the kernel describes it, with more attributes than are read.
    private func veth() -> NetlinkRequest {
        var request = NetlinkRequest(
            RouteMessage.newLink,
            payload: [0, 0, 1, 0] + littleEndian(7 as UInt32) + littleEndian(0x11043 as UInt32)
                + littleEndian(0 as UInt32))
        request.add(LinkAttribute.name, "veth0")
        request.add(LinkAttribute.mtu, 1500)
        request.add(LinkAttribute.address, [2, 0, 0x5e, 0x10, 0, 1])
        request.add(LinkAttribute.link, 8)
        request.add(0x4031, [1, 2, 3])
        request.add(nested: LinkAttribute.info) { $0.add(LinkAttribute.infoKind, "veth") }
        return request
    }

    @Test func `an interface is read from the kernel's description`() throws {
        let bytes = veth().bytes(sequence: 1) + veth().bytes(sequence: 2)
        let read = try NetworkInterface.list(decoding: bytes)
        #expect(read.count == 2)
        #expect(read[0].name == "veth0")
        #expect(read[0].index == 7)
        #expect(read[0].kind == "veth")
        #expect(read[0].mtu == 1500)
        #expect(read[0].link == 8)
        #expect(read[0].hardwareAddress.map { "\($0)" } == "02:00:5e:10:00:01")
        #expect(read[0].flags.contains([.up, .broadcast, .running, .lowerUp]))
        #expect(!read[0].flags.contains(.loopback))
    }

    @Test func `a message that is cut off anywhere is an error or a shorter list, never a look outside`() throws {
        let whole = veth().bytes(sequence: 1)
        for length in 0..<whole.count {
            let cut = Array(whole.prefix(length))
            if length == 0 {
                #expect(try NetworkInterface.list(decoding: cut) == [])
            } else {
                #expect(throws: NetlinkFormatError.self) { try NetworkInterface.list(decoding: cut) }
            }
        }
    }

    @Test func `any one wrong byte is survived`() {
        let whole = veth().bytes(sequence: 1)
        for index in whole.indices {
            for value in [0, 1, 0x7f, 0xff] as [UInt8] {
                var changed = whole
                changed[index] = value
                _ = try? NetworkInterface.list(decoding: changed)
                _ = try? InterfaceAddress.list(decoding: changed)
            }
        }
    }

    @Test func `the kernel's words are read from its refusal, whole or capped`() throws {
        let request = veth().bytes(sequence: 9)
        for isCapped in [false, true] {
            var refusal = NetlinkRequest(
                NetlinkMessage.error, flags: isCapped ? 0x300 : 0x200,
                payload: littleEndian(UInt32(bitPattern: -22)) + (isCapped ? Array(request.prefix(16)) : request))
            refusal.add(1, "because")
            let message = try #require(try NetlinkMessage.all(in: refusal.bytes(sequence: 9)[...]).first)
            let (errno, text) = try message.failure()
            #expect(errno == 22)
            #expect(text == "because")
        }
    }

    @Test func `an acknowledgement is no failure`() throws {
        let acknowledgement = NetlinkRequest(
            NetlinkMessage.error, payload: littleEndian(0 as UInt32) + [UInt8](repeating: 0, count: 16))
        let message = try #require(try NetlinkMessage.all(in: acknowledgement.bytes(sequence: 1)[...]).first)
        #expect(try message.failure().errno == 0)
        #expect(message.isEnd)
    }

    @Test func `an address is read, ours and not the other end's`() throws {
        var request = NetlinkRequest(
            RouteMessage.newAddress, payload: [2, 24, 0x80, 0] + littleEndian(3 as UInt32))
        request.add(AddressAttribute.address, [10, 0, 0, 1])
        request.add(AddressAttribute.local, [10, 0, 0, 2])
        let read = try InterfaceAddress.list(decoding: request.bytes(sequence: 1))
        #expect(try read == [InterfaceAddress(decoded: 3, "10.0.0.2/24")])
    }
}

extension InterfaceAddress {
    fileprivate init(decoded index: UInt32, _ text: String) throws {
        var request = NetlinkRequest(
            RouteMessage.newAddress, payload: [2, try IPPrefix(parsing: text).length, 0, 0] + littleEndian(index))
        request.add(AddressAttribute.local, try IPPrefix(parsing: text).address.bytes)
        let message = try #require(try NetlinkMessage.all(in: request.bytes(sequence: 0)[...]).first)
        self = try #require(try InterfaceAddress(message))
    }
}
