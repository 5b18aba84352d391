// SPDX-License-Identifier: Apache-2.0

import Capabilities
import Testing

@Suite struct FileCapabilityTests {
    /// As `getfattr -e hex` shows them: what `setcap` wrote, in the initial namespace and in one whose root is 100000.
    static let captured: [([UInt8], FileCapabilities, String)] = [
        (
            [1, 0, 0, 2, 0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 12),
            FileCapabilities(permitted: [.netRaw], isEffective: true), "cap_net_raw=ep"
        ),
        (
            [1, 0, 0, 3, 0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 12) + [0xa0, 0x86, 1, 0],
            FileCapabilities(permitted: [.netRaw], isEffective: true, rootID: 100_000), "cap_net_raw=ep [rootid=100000]"
        ),
        (
            [0, 0, 0, 2, 1, 0, 0, 0, 0x20, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
            FileCapabilities(permitted: [.chown, .checkpointRestore], inheritable: [.kill]),
            "cap_chown,cap_checkpoint_restore=p cap_kill+i"
        ),
    ]

    @Test(arguments: captured)
    func `the attribute is read and written byte for byte`(
        bytes: [UInt8], value: FileCapabilities, text: String
    ) throws {
        #expect(try FileCapabilities(attribute: bytes) == value)
        #expect(value.attributeBytes == bytes)
    }

    @Test(arguments: captured)
    func `it prints as getcap does, and reads back`(bytes: [UInt8], value: FileCapabilities, text: String) throws {
        let printed = value.description.split(separator: " [").first.map(String.init) ?? ""
        #expect(try FileCapabilities(parsing: printed, rootID: value.rootID) == value)
        if value.inheritable.isEmpty { #expect(value.description == text) }
    }

    @Test func `the first layout is read, and written as the second`() throws {
        let old: [UInt8] = [1, 0, 0, 1, 0, 0x20, 0, 0, 0, 0, 0, 0]
        let value = try FileCapabilities(attribute: old)
        #expect(value == FileCapabilities(permitted: [.netRaw], isEffective: true))
        #expect(value.attributeBytes.count == 20)
    }

    @Test func `bits without a name survive`() throws {
        let bytes: [UInt8] = [0x81, 0, 0x40, 3] + [UInt8](repeating: 0xff, count: 16) + [1, 2, 3, 4]
        let value = try FileCapabilities(attribute: bytes)
        #expect(value.attributeBytes == bytes)
        #expect(value.rootID == 0x0403_0201)
        #expect(value.otherFlags == 0x40_0080)
    }

    @Test(arguments: [
        [], [1], [1, 0, 0, 2], [1, 0, 0, 9] + [UInt8](repeating: 0, count: 16), [UInt8](repeating: 0, count: 20),
        [1, 0, 0, 2] + [UInt8](repeating: 0, count: 20), [1, 0, 0, 3] + [UInt8](repeating: 0, count: 16),
    ])
    func `another length or revision is refused, as the kernel refuses it`(bytes: [UInt8]) {
        #expect(throws: CapabilityError.self) { try FileCapabilities(attribute: bytes) }
    }

    @Test func `a file's capabilities are effective as a whole`() {
        #expect(throws: CapabilityError.partlyEffective("cap_chown=ep cap_kill=p")) {
            try FileCapabilities(parsing: "cap_chown=ep cap_kill=p")
        }
    }
}

@Suite struct CapabilityTextTests {
    @Test(arguments: ["cap_net_raw=ep", "=", "cap_kill=i", "=ep", "cap_chown,cap_net_admin=eip"])
    func `libcap's text is read, and what is printed reads as the same sets`(text: String) throws {
        let sets = try ProcessCapabilities(parsing: text)
        #expect(try ProcessCapabilities(parsing: sets.text) == sets)
    }

    @Test func `the text says which sets`() throws {
        let sets = try ProcessCapabilities(parsing: "cap_net_raw=ep cap_kill+i")
        #expect(sets.effective == [.netRaw])
        #expect(sets.permitted == [.netRaw])
        #expect(sets.inheritable == [.kill])
        #expect(sets.ambient == [])
    }

    @Test func `a wrong name in a text is named`() {
        #expect(throws: CapabilityError.unknownName("cap_net_rae")) {
            try ProcessCapabilities(parsing: "cap_kill,cap_net_rae=ep")
        }
        for text in ["", "cap_kill", "cap_kill=x", "cap_kill=ep\0"] {
            #expect(throws: CapabilityError.malformedText(text)) { try ProcessCapabilities(parsing: text) }
        }
    }

    @Test func `a mask is the kernel's sixteen digits`() throws {
        #expect(CapabilitySet.dockerDefault.mask == "00000000a80425fb")
        #expect(try CapabilitySet(mask: "00000000a80425fb") == .dockerDefault)
        #expect(try CapabilitySet(mask: "0xA80425FB") == .dockerDefault)
        #expect(try CapabilitySet(mask: "ffffffffffffffff").bits == .max)
        for text in ["", "0x", "g", "-1", "+1", "10000000000000000", " 1"] {
            #expect(throws: CapabilityError.malformedMask(text)) { try CapabilitySet(mask: text) }
        }
    }

    @Test func `the lines of a process's status are read and written`() throws {
        let lines = """
            CapInh:\t0000000000000020
            CapPrm:\t000001ffffffffff
            CapEff:\t8000000000001020
            CapBnd:\t000001ffffffffff
            CapAmb:\t0000000000000000

            """
        let sets = try ProcessCapabilities(status: "Name:\tx\n" + lines + "NoNewPrivs:\t0\n")
        #expect(sets.statusLines == lines)
        #expect(sets.effective == CapabilitySet(bits: 1 << 63 | 0x1020))
        #expect(throws: CapabilityError.missingStatusLine("CapEff")) { try ProcessCapabilities(status: "Name:\tx\n") }
    }

    @Test func `each capability that libcap names has a meaning`() {
        #expect(Capability.known.count == 41)
        for capability in Capability.known { #expect(capability.description.hasPrefix("cap_")) }
        #expect(Capability(rawValue: 62)?.meaning == nil)
        let lost: CapabilitySet = [.sysModule, .sysRawIO, .mknod, .auditWrite, .syslog, .linuxImmutable, .ipcLock]
        #expect(lost.isSubset(of: CapabilitySet.supported.withoutEffectInside))
        #expect(!CapabilitySet.supported.withoutEffectInside.contains(.netAdmin))
    }

    @Test func `the named sets are what their owners give`() {
        let counts = [
            "docker": 14, "containerd": 14, "podman": 11, "cri-o": 9, "oci": 3, "baseline": 13, "restricted": 1,
        ]
        for (name, set, _) in CapabilitySet.named where name != "bulkhead" {
            #expect(Array(set).count == counts[name], "\(name)")
        }
    }
}
