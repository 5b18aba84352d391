// SPDX-License-Identifier: Apache-2.0

import Capabilities
import SeccompFilters
import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite struct CapsCommandTests {
    @Test(arguments: ["docker", "DOCKER", "0xa80425fb"])
    func `a set is told by its name or its mask`(subject: String) throws {
        let report = try CapsReport(subject)
        #expect(report.sets.map(\.set) == [.dockerDefault])
        let text = report.text(Style(isColoured: false), explaining: false)
        #expect(text.contains("00000000a80425fb  14, 2 without effect inside a user namespace"), "\(text)")
        #expect(text.contains("cap_mknod"))
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("  cap_") }.count == 14)
    }

    @Test func `the sets of a text are told apart`() throws {
        let report = try CapsReport("cap_net_raw=ep cap_kill+i")
        let text = report.text(Style(isColoured: false), explaining: true)
        #expect(text.contains("cap_kill     --i   yes     signal any process"), "\(text)")
        #expect(text.contains("cap_net_raw  ep-   yes     open raw and packet sockets"), "\(text)")
        #expect(text.contains("inside: in network namespaces that it owns"))
    }

    @Test func `this process is told of with its five sets`() throws {
        let report = try CapsReport("self")
        #expect(report.sets.map { $0.letter.map(String.init) ?? "" }.joined() == "epiba")
        #expect(try report.sets.map(\.set)[0] == ProcessCapabilities.current().effective)
        #expect(report.noNewPrivileges != nil)
    }

    @Test(arguments: [
        ("net_amdin", "'net_amdin' is not a capability (did you mean cap_net_admin?)"),
        ("kil,chown", "cap_kill"), ("dokcer", "did you mean docker"), ("0xg", "no capability mask"),
        ("cap_kil=ep", "did you mean cap_kill"), ("-5", "no process id"), ("cap_kill=z", "no text form"),
    ])
    func `a wrong word is a usage error that names it`(subject: String, message: String) {
        let failure = #expect(throws: ToolFailure.self) { try CapsReport(subject) }
        #expect(failure?.exit == .usage)
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }
}

@Suite struct SeccompCommandTests {
    @Test(arguments: [
        ("0=0x10", SyscallArgument(argument: "0=16")),
        ("5=18446744073709551615", SyscallArgument(argument: "5=0xffffffffffffffff")),
    ])
    func `an argument is a number in either base`(text: String, same: SyscallArgument?) {
        #expect(same != nil)
        #expect(SyscallArgument(argument: text) == same)
    }

    @Test(arguments: [
        "", "0", "=1", "6=1", "-1=1", "0=", "0=-1", "0=+1", "0=0x", "0=0x+1", "0=18446744073709551616", "x=1",
    ])
    func `what is no argument is refused`(text: String) { #expect(SyscallArgument(argument: text) == nil) }

    @Test func `the default filter's decisions name their rules`() throws {
        let explanation = try SeccompExplanation(file: "default", capabilities: [], architecture: .native)
        func decide(_ name: String, _ arguments: [UInt64] = []) -> SeccompDecision {
            let values = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
            return SeccompDecision(explanation, syscall: name, arguments: values, given: Set(arguments.indices))
        }
        #expect(decide("reboot").text.hasPrefix("reboot: fail with EPERM\n  rule 4: fail with EPERM reboot"))
        #expect(decide("read").reason == "no rule decides: the default action")
        #expect(!decide("read").dependsOnArguments)
        #expect(decide("ioctl").dependsOnArguments)
        #expect(decide("ioctl", [0, 0x5412]).action == .notPermitted)
        #expect(decide("ioctl", [0, 0x5413]).action == .allow)
        #expect(decide("arm_fadvise64_64").action == nil)
        #expect(explanation.byAction.map(\.action) == [.notPermitted])
    }

    @Test(arguments: [SeccompFilter.Architecture.aarch64, .amd64])
    func `it is explained for either architecture`(architecture: SeccompFilter.Architecture) throws {
        let explanation = try SeccompExplanation(file: "default", capabilities: [], architecture: architecture)
        let decision = SeccompDecision(
            explanation, syscall: "reboot", arguments: [0, 0, 0, 0, 0, 0], given: [])
        #expect(decision.action == .notPermitted)
        #expect(try explanation.differences().allowedHere == [])
    }
}
