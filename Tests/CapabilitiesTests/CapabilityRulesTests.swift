// SPDX-License-Identifier: Apache-2.0

import Capabilities
import Testing

/// The rules of `execve` by hand, from capabilities(7); `LiveTests` has a kernel judge the same function.
@Suite struct CapabilityRulesTests {
    let all = CapabilitySet.all(upTo: .checkpointRestore)
    let none = ProcessCapabilities(effective: [], permitted: [], bounding: .all(upTo: .checkpointRestore))

    private func full(_ set: CapabilitySet) -> ProcessCapabilities {
        ProcessCapabilities(effective: set, permitted: set, bounding: all)
    }

    @Test func `root gets all that its bounding set has`() throws {
        var sets = none
        sets.bounding = [.kill, .chown]
        let after = try sets.after(ProgramExecution(by: 0))
        #expect(after.permitted == [.kill, .chown])
        #expect(after.effective == [.kill, .chown])
    }

    @Test func `another user keeps what is ambient and nothing else`() throws {
        var sets = full([.kill, .netAdmin])
        sets.inheritable = [.netAdmin]
        #expect(try sets.after(ProgramExecution(by: 1000)).permitted == [])
        try sets.raiseAmbient([.netAdmin])
        let after = try sets.after(ProgramExecution(by: 1000))
        #expect(after.permitted == [.netAdmin])
        #expect(after.effective == [.netAdmin])
        #expect(after.ambient == [.netAdmin])
    }

    @Test func `root that has no say keeps what is ambient too`() throws {
        var execution = ProgramExecution(by: 0)
        execution.ignoresRoot = true
        #expect(try full([.kill]).after(execution).permitted == [])
    }

    @Test func `a file gives what the bounding set allows`() throws {
        var sets = none
        sets.bounding = [.netRaw, .kill]
        let ping = FileCapabilities(permitted: [.netRaw, .sysAdmin])
        let after = try sets.after(ProgramExecution(by: 1000, of: ping))
        #expect(after.permitted == [.netRaw])
        #expect(after.effective == [])
        let demanding = FileCapabilities(permitted: [.netRaw, .sysAdmin], isEffective: true)
        #expect(throws: CapabilityError.executionRefused(missing: [.sysAdmin])) {
            try sets.after(ProgramExecution(by: 1000, of: demanding))
        }
    }

    @Test func `a file takes over what is inheritable on both sides`() throws {
        var sets = none
        sets.inheritable = [.chown, .kill]
        let file = FileCapabilities(permitted: [], inheritable: [.kill, .setuid], isEffective: true)
        #expect(try sets.after(ProgramExecution(by: 1000, of: file)).effective == [.kill])
    }

    @Test func `a file with capabilities ends what is ambient`() throws {
        var sets = full([.netAdmin])
        sets.inheritable = [.netAdmin]
        try sets.raiseAmbient([.netAdmin])
        let after = try sets.after(ProgramExecution(by: 1000, of: FileCapabilities(permitted: [.kill])))
        #expect(after.ambient == [])
        #expect(after.permitted == [.kill])
    }

    @Test func `no new privileges leaves a file nothing to give`() throws {
        var execution = ProgramExecution(by: 1000, of: FileCapabilities(permitted: [.netRaw], isEffective: true))
        execution.noNewPrivileges = true
        #expect(try none.after(execution).permitted == [])
        execution.file = nil
        execution.setUserID = 0
        #expect(try none.after(execution).permitted == [])
    }

    @Test func `a set-user-ID root program gets all, or its own capabilities where it has some`() throws {
        var execution = ProgramExecution(by: 1000)
        execution.setUserID = 0
        #expect(try none.after(execution).effective == all)
        execution.file = FileCapabilities(permitted: [.netRaw], isEffective: true)
        #expect(try none.after(execution).effective == [.netRaw])
    }

    @Test func `what is dropped is gone for good`() throws {
        var sets = full(all)
        sets.drop([.sysAdmin])
        #expect(try !sets.after(ProgramExecution(by: 0)).permitted.contains(.sysAdmin))
        sets.keep([.kill])
        #expect(try sets.after(ProgramExecution(by: 0)).permitted == [.kill])
    }

    @Test func `only what is permitted and inheritable can be ambient`() {
        var sets = full([.kill])
        #expect(throws: CapabilityError.notRaisable([.kill])) { try sets.raiseAmbient([.kill]) }
        #expect(sets.contradiction == nil)
        sets.effective = [.chown]
        #expect(sets.contradiction?.contains("cap_chown is effective") == true)
    }
}
