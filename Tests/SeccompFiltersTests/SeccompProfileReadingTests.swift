// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SeccompFilters

@Suite(.x86Numbers) struct SeccompProfileReadingTests {
    private static func entry(_ fields: String) -> String {
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"#
            + fields + "}]}"
    }

    private static func root(_ fields: String) -> String { #"{"defaultAction": "SCMP_ACT_ALLOW", "# + fields + "}" }

    @Test(arguments: [
        (#"{"defaultAction": "SCMP_ACT_SING"}"#, "defaultAction", SeccompError.unknownAction("SCMP_ACT_SING")),
        (#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#, "defaultAction", .unsupportedAction("SCMP_ACT_NOTIFY")),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": -1}"#, "defaultErrnoRet", .errnoOutOfRange(-1)),
        (#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENO"}"#, "defaultErrno", .unknownErrno("ENO")),
        (
            root(#""architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_PDP11"]"#), "architectures[1]",
            .unknownArchitecture("SCMP_ARCH_PDP11")
        ),
        (
            root(#""architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "x86"}]"#), "archMap",
            .ambiguousProfile("architectures or archMap")
        ),
        (
            root(#""archMap": [{"architecture": "x86_64", "subArchitectures": ["x"]}]"#),
            "archMap[0].subArchitectures[0]", .unknownArchitecture("x")
        ),
        (root(#""flags": ["LOG"]"#), "flags[0]", .unknownFlag("LOG")),
        (
            entry(#""names": ["read"], "action": "SCMP_ACT_KILL", "includes": {"minKernel": "five"}"#),
            "syscalls[0].includes.minKernel", .malformedKernelVersion("five")
        ),
        (
            entry(#""names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": 1, "op": "=="}]"#),
            "syscalls[0].args[0].op", .unknownOperator("==")
        ),
        (
            entry(
                #""names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]"#
            ),
            "syscalls[0].args[0].index", .argumentOutOfRange(6)
        ),
        (
            entry(#""names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 65536"#), "syscalls[0].errnoRet",
            .errnoOutOfRange(65536)
        ),
        (
            // An entry that does not count here is read all the same.
            entry(#""names": ["read"], "action": "allow", "excludes": {"caps": ["CAP_KILL"]}"#), "syscalls[0].action",
            .unknownAction("allow")
        ),
        (
            entry(#""name": "a", "names": ["b"], "action": "SCMP_ACT_LOG""#), "syscalls[0].name",
            .ambiguousProfile("name or names")
        ),
    ])
    func `a wrong value is refused with its reason and the place of the field`(
        text: String, path: String, reason: SeccompError
    ) throws {
        let profile = try SeccompProfile(parsing: text)
        #expect(throws: SeccompError.field(path: path, reason: reason)) {
            try profile.resolved(for: .init(capabilities: ["CAP_KILL"], kernel: .init(6, 1)))
        }
    }

    @Test(arguments: [
        ("{}", "defaultAction: is missing"),
        (#"{"defaultAction": 1}"#, "defaultAction: expected a text, found the number 1"),
        (root(#""syscalls": {}"#), "syscalls: expected a list, found an object"),
        (root(#""syscalls": [1]"#), "syscalls[0]: expected an object, found the number 1"),
        (entry(#""action": "b""#), "syscalls[0].names: is missing"),
        (entry(#""names": []"#), "syscalls[0].action: is missing"),
        (entry(#""names": ["x", true], "action": "b""#), "syscalls[0].names[1]: expected a text, found a truth value"),
        (
            entry(#""names": [], "action": "b", "args": [{"index": 0, "value": -1, "op": "c"}]"#),
            "syscalls[0].args[0].value: expected a whole number from 0 to 18446744073709551615, found the number -1"
        ),
        ("[]", "the profile: expected an object, found a list"), ("", "line 1, column 1: the text ends where a value"),
        ("{\n \"a\" 1}", "line 2, column 6: \":\" was expected after \"a\""),
        ("{} x", "line 1, column 4: nothing more"),
        (String(repeating: "[", count: 100), "line 1, column 33: more than 32 levels"),
        (#"{"a": 01}"#, "line 1, column 8: a number with leading zeros"), (#"{"a": "x"#, "ends within quotes"),
        (#"{"a": "\x"}"#, "no such escape"), (#"{"a": "\u12"}"#, "four hexadecimal digits"), ("{1: 2}", "the name of"),
        ("[1, ]", "a value was expected"), (#"{"a": 1 "b": 2}"#, "\",\" or \"}\" was expected"),
    ])
    func `what is no profile is refused with its place`(text: String, message: String) {
        let error = #expect(throws: SeccompError.self) { try SeccompProfile(parsing: text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func `an architecture that nobody knows matches nowhere, as in Docker's own profile`() throws {
        let read = try SeccompProfile(
            parsing: #"""
                {"defaultAction": "SCMP_ACT_ALLOW",
                 "archMap": [{"architecture": "SCMP_ARCH_PDP11", "subArchitectures": ["SCMP_ARCH_PDP8"]}],
                 "syscalls": [{"names": ["a"], "action": "SCMP_ACT_LOG", "excludes": {"arches": ["mips3l64n32"]}},
                              {"names": ["b"], "action": "SCMP_ACT_LOG", "includes": {"arches": ["mips3l64n32"]}}]}
                """#)
        let here = SeccompProfile.Environment(capabilities: [], kernel: .init(6, 1))
        #expect(try read.entries(for: here).map(\.absence) == [nil, "only on mips3l64n32"])
        #expect(try read.resolved(for: here).architectures == [])
    }

    @Test func `a mistyped word is answered with what it may have been`() {
        #expect("\(SeccompError.unknownAction("SCMP_ACT_ALOW"))".contains("did you mean SCMP_ACT_ALLOW"))
        #expect("\(SeccompError.unknownOperator("SCMP_CMP_MASK_EQ"))".contains("SCMP_CMP_MASKED_EQ"))
        #expect("\(SeccompError.unknownSyscall("opnat"))".contains("openat"))
        #expect("\(SeccompError.unknownArchitecture("amd46"))".contains("amd64"))
        #expect("\(SeccompError.unknownErrno("ENOSY"))".contains("ENOSYS"))
    }

    @Test func `fields that the format does not have are listed, and comments are none`() throws {
        let read = try SeccompProfile(
            parsing: Self.entry(#""names": ["a"], "comment": "b", "action": "SCMP_ACT_LOG", "arg": []"#))
        #expect(read.unknownFields == ["syscalls[0].arg"])
        #expect(read.syscalls?.first?.comment == "b")
    }

    @Test func `flags and the listener are read`() throws {
        let read = try SeccompProfile(
            parsing: #"""
                {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent", "listenerMetadata": "\u00fc \ud83d\ude00\n",
                 "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
                           "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
                 "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]}
                """#)
        #expect(read.listenerPath == "/run/agent")
        #expect(read.listenerMetadata == "ü \u{1F600}\n")
        let filter = try read.resolved(for: .init(capabilities: [], kernel: .init(6, 1)))
        #expect(filter.flags == [.log, .speculationAllowed, .killableWait])
        let compiled = try filter.compiled()
        #expect(compiled.needsListener)
        #expect(compiled.flags.rawValue == 2 | 4 | 32)
        #expect(try filter.verdict("mount") == 0x7fc0_0000)
        #expect(throws: SeccompError.needsListener) { try compiled.install() }
    }

    @Test func `an error number's name wins over the number`() throws {
        let read = try SeccompProfile(
            parsing: #"""
                {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "defaultErrno": "ENOSYS",
                 "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "EINVAL"}]}
                """#)
        let filter = try read.resolved(for: .init(capabilities: [], kernel: .init(6, 1)))
        #expect(filter.defaultAction == .errno(38))
        #expect(filter.rules.first?.action == .errno(22))
    }
}
