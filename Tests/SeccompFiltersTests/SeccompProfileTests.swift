// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SeccompFilters

/// Written for this test in the format that Docker's default profile has, with one entry of each kind.
private let profileText = """
    {
      "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
      "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}
      ],
      "syscalls": [
        {"names": ["read", "write", "not_yet_invented"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 131080, "op": "SCMP_CMP_EQ"}]},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
        {"names": ["s390_guarded_storage"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
        {"names": ["mount", "bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
         "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}],
         "comment": "no new namespaces", "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]}},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"name": "socket", "action": "SCMP_ACT_ALLOW", "args": [
          {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}
      ]
    }
    """

private func profile(_ text: String = profileText) throws -> SeccompProfile {
    try SeccompProfile(parsing: text)
}

@Suite(.x86Numbers) struct SeccompProfileTests {
    private func filter(capabilities: [String] = [], kernel: (Int, Int) = (6, 1)) throws -> SeccompFilter {
        try profile().resolved(
            for: .init(capabilities: capabilities, kernel: .init(kernel.0, kernel.1)))
    }

    @Test func `a profile without privileges allows what it lists`() throws {
        let filter = try filter()
        #expect(try filter.verdict("read") == allow)
        #expect(try filter.verdict("openat") == failing(1))
        #expect(try filter.verdict("mount") == failing(1))
        #expect(try filter.verdict("clone3") == failing(38))
        #expect(try filter.verdict("clone", 0x1200) == allow)
        #expect(try filter.verdict("clone", 0x1000_0000) == failing(1))
        #expect(try filter.verdict("personality", 131080) == allow)
        #expect(try filter.verdict("personality", 8) == failing(1))
        #expect(try filter.verdict("arch_prctl") == allow)
        #expect(try filter.compiled().unknownSyscalls == ["not_yet_invented"])
    }

    @Test(arguments: ["CAP_SYS_ADMIN", "cap_sys_admin", "sys_admin"])
    func `a capability adds and takes away entries, however it is written`(name: String) throws {
        let filter = try filter(capabilities: [name])
        #expect(try filter.verdict("mount") == allow)
        #expect(try filter.verdict("acct") == failing(1))
        #expect(try filter.verdict("clone3") == failing(38), "its number is above all that the profile then names")
    }

    @Test func `the kernel's version is compared by numbers`() throws {
        #expect(try filter(kernel: (4, 8)).verdict("ptrace") == allow)
        #expect(try filter(kernel: (4, 10)).verdict("ptrace") == allow)
        #expect(try filter(kernel: (4, 7)).verdict("ptrace") == failing(1))
    }

    @Test func `several comparisons of one argument are alternatives`() throws {
        let filter = try filter()
        #expect(try filter.verdict("socket", 1) == allow)
        #expect(try filter.verdict("socket", 2) == allow)
        #expect(try filter.verdict("socket", 3) == failing(1))
    }

    @Test func `the native entry of the map brings its other architectures`() throws {
        #expect(try filter().architectures == [.x86, .x32])
    }

}
