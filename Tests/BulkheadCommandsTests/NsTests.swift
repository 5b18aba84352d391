// SPDX-License-Identifier: Apache-2.0

import LinuxKernel
import NodeModel
import Testing
import UserNamespaces

@testable import BulkheadCommands
@testable import ToolOutput

@Suite("Namespaces as text")
struct NsTests {
    private func entry(
        _ kind: NamespaceKind, _ inode: UInt64, _ change: (inout NamespaceSurvey.Entry) -> Void = { _ in }
    ) -> NamespaceSurvey.Entry {
        var entry = NamespaceSurvey.Entry(kind: kind, inode: inode)
        change(&entry)
        return entry
    }

    private func tree() throws -> NsList {
        let all = try IDMap(outside: 0, count: 4_294_967_295)
        let pod = try IDMap(outside: 100_000, count: 65_536)
        return NsList(
            entries: [
                entry(.user, 10) {
                    ($0.processes, $0.pid, $0.command, $0.ownerUID, $0.map) = (12, 1, "/sbin/init", 0, all)
                },
                entry(.user, 20) { ($0.parent, $0.ownerUID, $0.map, $0.holders) = (10, 0, pod, [77, 78]) },
                entry(.user, 30) { ($0.parent, $0.ownerUID) = (20, 100_000) },
                entry(.network, 40) { ($0.processes, $0.pid, $0.command, $0.owner) = (11, 1, "/sbin/init", 10) },
                entry(.network, 50) { ($0.owner, $0.paths) = (20, ["/run/netns/a\u{1B}b"]) },
                entry(.uts, 60) { ($0.processes, $0.pid, $0.command) = (1, 9, String(repeating: "x", count: 300)) },
            ], isWhole: true, unreadable: 3)
    }

    private func lines(_ list: NsList, unicode: Bool = true, columns: Int = 80) -> [String] {
        NsText(columns: columns, unicode: unicode, style: Style(isColoured: false)).lines(list)
    }

    @Test("What a user namespace owns is beneath it, then the user namespaces inside it")
    func treeOfOwners() throws {
        let text = lines(try tree())
        #expect(
            text == [
                "namespace      procs  pid     uid  map, command, path, holder",
                "user 10           12    1       0  0:0:4294967295  /sbin/init",
                "├─ net 40         11    1       -  /sbin/init",
                "└─ user 20         0    -       0  0:100000:65536  held by process 77 and others",
                "   ├─ net 50       0    -       -  /run/netns/a?b",
                "   └─ user 30      0    -  100000  (no map)  owns or holds others",
                "uts 60             1    9       -  " + String(repeating: "x", count: 44) + "…",
                "note  3 processes could not be looked into: other users', or they have more privilege than this caller",
            ], "\(text.joined(separator: "\n"))")
        #expect(lines(try tree(), unicode: false)[2].hasPrefix("|- net 40"))
    }

    @Test("A part is a plain list, and nothing is said so")
    func parts() throws {
        var list = try tree()
        list.isWhole = false
        list.unreadable = 0
        #expect(lines(list)[1...].allSatisfy { !$0.contains("─") })
        list.entries = []
        #expect(lines(list).dropFirst() == ["none"])
    }

    @Test("The document has what is known, and null for the rest")
    func document() throws {
        let text = try tree().json.description
        #expect(text.contains(#""uidMap": ["0:100000:65536"]"#))
        #expect(text.contains(#""holders": [77, 78]"#))
        #expect(text.contains(#""uidMap": null"#))
        #expect(text.contains(#""processes": 3"#))
    }

    @Test(
        "A kind by either name, a process, a path; nothing else",
        arguments: [
            ("net", NsSubject.kind(.network)), ("network", .kind(.network)), ("mnt", .kind(.mount)), ("1", .process(1)),
            ("./x", .path("./x")), ("/run/netns/a", .path("/run/netns/a")), ("0", nil), ("-1", nil), ("nets", nil),
            ("", nil),
            ("99999999999", nil),
        ] as [(String, NsSubject?)])
    func subjects(text: String, subject: NsSubject?) { #expect(NsSubject(argument: text) == subject) }
}
