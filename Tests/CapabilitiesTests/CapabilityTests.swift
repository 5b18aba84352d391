// SPDX-License-Identifier: Apache-2.0

import Capabilities
import Foundation
import Testing

@Suite struct CapabilityTests {
    @Test(arguments: ["cap_net_admin", "CAP_NET_ADMIN", "net_admin", "NET_ADMIN", "Net_Admin", "12"])
    func `a name is read in either case, with or without its prefix`(name: String) throws {
        #expect(try Capability(parsing: name) == .netAdmin)
    }

    @Test(arguments: ["", "cap_", "net-admin", "cap_cap_kill", "64", "-1", "all", " kill"])
    func `an unknown name is refused and named`(name: String) {
        let error = #expect(throws: CapabilityError.self) { try Capability(parsing: name) }
        #expect(error?.description.hasPrefix("'\(name)' is not a capability") == true)
    }

    @Test(arguments: [
        ("net_amdin", "cap_net_admin"), ("CAP_SYS_ADMN", "cap_sys_admin"), ("chwon", "cap_chown"),
        ("setguid", "cap_setuid"),
    ])
    func `a mistyped name is answered with what it may have been`(name: String, meant: String) {
        let error = #expect(throws: CapabilityError.self) { try Capability(parsing: name) }
        #expect(error?.description.contains(meant) == true, "\(error?.description ?? "")")
    }

    @Test func `a capability without a name prints and reads as its number`() throws {
        let future = try #require(Capability(rawValue: 62))
        #expect("\(future)" == "62")
        #expect(try Capability(parsing: "62") == future)
        #expect(Capability(rawValue: 64) == nil)
    }

    @Test func `numbers are the kernel's`() {
        #expect(Capability.chown.rawValue == 0)
        #expect(Capability.sysAdmin.rawValue == 21)
        #expect(Capability.checkpointRestore.rawValue == 40)
    }

    @Test func `the last capability is the kernel's own`() throws {
        let file = try String(contentsOfFile: "/proc/sys/kernel/cap_last_cap", encoding: .utf8)
        #expect(String(Capability.last.rawValue) == file.trimmingCharacters(in: .newlines))
    }
}

@Suite struct CapabilitySetTests {
    @Test func `a set prints its names in the kernel's order and reads them back`() throws {
        let set: CapabilitySet = [.netAdmin, .chown]
        #expect("\(set)" == "cap_chown,cap_net_admin")
        #expect(try CapabilitySet(parsing: "NET_ADMIN,cap_chown") == set)
        #expect(set.bits == 1 << 12 | 1)
        #expect("\(CapabilitySet())" == "")
        #expect(try CapabilitySet(parsing: "") == [])
    }

    @Test func `the whole set ends at the named capability`() throws {
        #expect(CapabilitySet.all(upTo: .checkpointRestore).bits == (1 << 41) - 1)
        #expect(CapabilitySet.all(upTo: .chown) == [.chown])
        #expect(CapabilitySet.all(upTo: try #require(Capability(rawValue: 63))).bits == .max)
        #expect(try CapabilitySet(parsing: "ALL") == .supported)
    }

    @Test func `unknown bits survive`() throws {
        var set = CapabilitySet(bits: 1 << 63 | 1)
        set.remove(.chown)
        #expect(set.bits == 1 << 63)
        #expect(try CapabilitySet(parsing: set.description) == set)
    }

    @Test func `set algebra works on capabilities`() {
        var set: CapabilitySet = .ociDefault
        #expect(set.insert(.kill).inserted == false)
        #expect(set.insert(.netAdmin).inserted)
        #expect(set.remove(.sysAdmin) == nil)
        #expect(set.subtracting(.ociDefault) == [.netAdmin])
        #expect(Array(set) == [.kill, .netBindService, .netAdmin, .auditWrite])
        #expect(CapabilitySet.ociDefault.isSubset(of: .dockerDefault))
    }

    @Test func `the defaults are Docker's fourteen and the specification's three`() {
        #expect(CapabilitySet.dockerDefault.bits == 0xa804_25fb)
        #expect(CapabilitySet.ociDefault.bits == 0x2000_0420)
        #expect(Array(CapabilitySet.userNamespaceDefault).count == 15)
    }
}

@Suite struct ProcessCapabilitiesTests {
    /// /proc/…/status is the oracle: five lines of hexadecimal masks.
    private func status(_ path: String) throws -> [String: UInt64] {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        return lines.reduce(into: [:]) { masks, line in
            let fields = line.split(separator: ":\t")
            if fields.count == 2, line.hasPrefix("Cap") { masks[String(fields[0])] = UInt64(fields[1], radix: 16) }
        }
    }

    @Test func `the calling thread's five sets are what the kernel shows`() throws {
        let sets = try ProcessCapabilities.current()
        let masks = try status("/proc/thread-self/status")
        #expect(sets.effective.bits == masks["CapEff"])
        #expect(sets.permitted.bits == masks["CapPrm"])
        #expect(sets.inheritable.bits == masks["CapInh"])
        #expect(sets.bounding.bits == masks["CapBnd"])
        #expect(sets.ambient.bits == masks["CapAmb"])
    }

    @Test func `another process's five sets are what the kernel shows`() throws {
        let pid = ProcessInfo.processInfo.processIdentifier
        for pid in [1, pid] {
            let sets = try ProcessCapabilities.of(pid: pid)
            let masks = try status("/proc/\(pid)/status")
            #expect(sets.effective.bits == masks["CapEff"])
            #expect(sets.permitted.bits == masks["CapPrm"])
            #expect(sets.inheritable.bits == masks["CapInh"])
            #expect(sets.bounding.bits == masks["CapBnd"])
            #expect(sets.ambient.bits == masks["CapAmb"])
        }
    }

    @Test(arguments: [Int32.max, 0, -1])
    func `a process that is not there is an error`(pid: Int32) {
        #expect(throws: CapabilityError.self) { try ProcessCapabilities.of(pid: pid) }
    }
}
