// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput
internal import UserNamespaces

/// `bulkhead ns`: the namespaces of this host.
struct NsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ns",
        abstract: "Lists the namespaces of this host as a tree of their owners.",
        discussion: """
            Found in processes, at paths where namespaces are kept, and in open descriptors. For each: how many processes \
            are in it, the first of them, the user that made it (or made the user namespace that owns it), and of a user \
            namespace the map, INSIDE:OUTSIDE:COUNT. An ordinary user sees what own processes are in.
            With subjects only those are listed: namespaces of a kind, those of a process, or the one kept at a path.
            """)

    @Flag(help: "Print one JSON document.")
    var json = false

    @Argument(
        help: .init(
            "A kind (\(NamespaceKind.allCases.map(\.rawValue).joined(separator: ", "))), a process id, or a path "
                + "with a slash in it.", valueName: "kind|pid|path"))
    var subjects: [NsSubject] = []

    func run() throws {
        let survey = try NamespaceSurvey.current()
        let list = try NsList(survey, subjects)
        if json {
            try Output.print(list.json)
        } else {
            let text = NsText(
                columns: try TreeScreen.size(), unicode: TreeView.isUnicode, style: .forStandardOutput())
            try Output.print(text.lines(list).joined(separator: "\n"))
        }
    }
}

/// What is asked for.
enum NsSubject: Hashable, Sendable, ExpressibleByArgument {
    case kind(NamespaceKind)
    case process(Int32)
    case path(String)

    init?(argument: String) {
        let longNames = ["mount": NamespaceKind.mount, "network": .network]
        if let kind = NamespaceKind(rawValue: argument) ?? longNames[argument] {
            self = .kind(kind)
        } else if argument.utf8.allSatisfy({ (48...57).contains($0) }), let pid = Int32(argument), pid > 0 {
            self = .process(pid)
        } else if argument.contains("/") {
            self = .path(argument)
        } else {
            return nil
        }
    }

    static var allValueStrings: [String] { NamespaceKind.allCases.map(\.rawValue) }
}

/// The namespaces to show.
struct NsList {
    var entries: [NamespaceSurvey.Entry]
    /// Whether they are all, and so make a tree.
    var isWhole: Bool
    /// Processes that could not be looked into.
    var unreadable: Int

    init(entries: [NamespaceSurvey.Entry], isWhole: Bool, unreadable: Int) {
        self.entries = entries
        self.isWhole = isWhole
        self.unreadable = unreadable
    }

    init(_ survey: NamespaceSurvey, _ subjects: [NsSubject]) throws {
        self.init(entries: survey.entries, isWhole: subjects.isEmpty, unreadable: survey.unreadable)
        guard !subjects.isEmpty else { return }
        entries = []
        for subject in subjects {
            switch subject {
            case .kind(let kind): entries += survey.entries.filter { $0.kind == kind }
            case .process(let pid): entries += try Self.namespaces(of: pid, survey)
            case .path(let path): entries.append(try survey.entry(of: try Namespace(at: FilePath(path))))
            }
        }
        var seen: Set<UInt64> = []
        entries = entries.filter { seen.insert($0.inode).inserted }
    }

    private static func namespaces(of pid: Int32, _ survey: NamespaceSurvey) throws -> [NamespaceSurvey.Entry] {
        var found: [NamespaceSurvey.Entry] = []
        for kind in NamespaceKind.allCases {
            do throws(KernelError) {
                found.append(try survey.entry(of: try Namespace(kind, of: pid)))
            } catch {
                // A kernel without this kind; that there is no such process shows by the user namespace, which all have.
                guard error.errno == .noSuchFileOrDirectory, kind != .user else {
                    throw error.errno == .noSuchFileOrDirectory
                        ? ToolFailure(.failed, "there is no process \(pid), or it has ended") as any Error : error
                }
            }
        }
        return found
    }

    /// Why the picture is not whole; nil when it is.
    var note: String? {
        guard unreadable > 0 else { return nil }
        return unreadable == 1
            ? "1 process could not be looked into: another user's, or it has more privilege than this caller"
            : "\(unreadable) processes could not be looked into: other users', or they have more privilege than this caller"
    }

    /// The document that the tool promises.
    var json: JSON {
        [
            "namespaces": .array(entries.map(Self.json)),
            "unreadable": [
                "processes": .integer(unreadable), "reason": .optional(note),
            ],
        ]
    }

    private static func json(_ entry: NamespaceSurvey.Entry) -> JSON {
        func number(_ value: (some BinaryInteger)?) -> JSON { value.map { .integer($0) } ?? .null }
        var members: [JSON.Member] = [
            .init("kind", .string(entry.kind.rawValue)), .init("inode", .integer(entry.inode)),
            .init("processes", .integer(entry.processes)), .init("pid", number(entry.pid)),
            .init("command", .optional(entry.command)), .init("ownerUid", number(entry.ownerUID)),
            .init("owner", number(entry.owner)), .init("parent", number(entry.parent)),
            .init("paths", .strings(entry.paths)), .init("holders", .array(entry.holders.map { .integer($0) })),
        ]
        if entry.kind == .user {
            func text(_ extents: [IDMap.Extent]?) -> JSON { extents.map { .strings($0.map(\.description)) } ?? .null }
            members.append(.init("uidMap", text(entry.map?.uid)))
            members.append(.init("gidMap", text(entry.map?.gid)))
        }
        return .object(members)
    }
}
