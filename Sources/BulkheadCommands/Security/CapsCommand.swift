// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Capabilities
internal import LinuxKernel
internal import SystemPackage

/// `bulkhead caps`: what a process's capabilities, or a set of them, mean.
struct CapsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caps",
        abstract: "Tells what the capabilities of a process or of a set allow, and what is left of them inside a user "
            + "namespace.",
        discussion: """
            WHAT is a process id, self, a set by its name (\(CapabilitySet.named.map(\.name).joined(separator: ", ")), all,
            none), names (cap_net_admin,kill), a mask as in /proc/PID/status (0x00000000a80425fb), or a text as setcap(8)
            takes it (cap_net_raw=ep). Without any it is the tool's own process.

            Of a process all five sets are told, by their letters: e effective, p permitted, i inheritable, b bounding,
            a ambient.
            """)

    @Flag(help: "Print one JSON document.")
    var json = false

    @Flag(help: "Also tell what exactly is left of each inside a user namespace.")
    var explain = false

    @Argument(
        help: .init("A process id, or a set.", valueName: "what"),
        completion: .list(
            CapabilitySet.named.map(\.name) + ["all", "none", "self"] + Capability.known.map(\.description)))
    var subjects: [String] = ["self"]

    func run() throws {
        let reports = try subjects.map { try CapsReport($0) }
        if json {
            try Output.print(["results": .array(reports.map(\.json))] as JSON)
        } else {
            let style = Style.forStandardOutput()
            try Output.print(reports.map { $0.text(style, explaining: explain) }.joined(separator: "\n\n"))
        }
    }
}

/// What `bulkhead caps` found out about one process or set.
struct CapsReport {
    /// As asked.
    var subject: String
    /// What that is, in words.
    var title: String
    /// The sets with their letters, in the order in which they are told; one without a letter is a plain set.
    var sets: [(name: String, letter: Character?, set: CapabilitySet)]
    /// Of a process: whether it lives in the initial user namespace.
    var isInitialNamespace: Bool?
    /// Of a process: whether it has given up gaining privileges.
    var noNewPrivileges: Bool?

    init(_ subject: String) throws {
        self.subject = subject
        if let pid = subject == "self" ? processID : Int32(subject) {
            title = ""
            sets = []
            try readProcess(pid)
        } else if subject.contains(where: { "=+".contains($0) }) {
            let read = try Self.usage { () throws(CapabilityError) in try ProcessCapabilities(parsing: subject) }
            title = "the text \(read.text)"
            sets = [
                ("effective", "e", read.effective), ("permitted", "p", read.permitted),
                ("inheritable", "i", read.inheritable),
            ]
        } else {
            let named = CapabilitySet.named.first { $0.name == subject.lowercased() }
            title = named.map { "\($0.name): \($0.whose)" } ?? subject
            sets = [("set", nil, try named?.set ?? Self.set(subject))]
        }
    }

    /// A set as it is typed: a name, names, or a mask.
    static func set(_ text: String) throws -> CapabilitySet {
        if text.lowercased() == "none" { return [] }
        if text.lowercased().hasPrefix("0x") {
            return try usage { () throws(CapabilityError) in try CapabilitySet(mask: text) }
        }
        do throws(CapabilityError) {
            return try CapabilitySet(parsing: text)
        } catch {
            guard case .unknownName(let name) = error else { throw ToolFailure(.usage, "\(error)".printable) }
            let near = nearMatches(
                to: name,
                among: CapabilitySet.named.map(\.name) + ["all", "none", "self"] + Capability.known.map(\.description))
            let hint =
                near.isEmpty
                ? "\(error)"
                : "'\(name)' is neither a capability nor a set (did you mean "
                    + near.joined(separator: " or ") + "?)"
            throw ToolFailure(.usage, hint.printable)
        }
    }

    private static func usage<Value>(_ read: () throws(CapabilityError) -> Value) throws -> Value {
        do throws(CapabilityError) { return try read() } catch { throw ToolFailure(.usage, "\(error)".printable) }
    }

    private mutating func readProcess(_ pid: Int32) throws {
        guard pid > 0 else { throw ToolFailure(.usage, "\(pid) is no process id") }
        do throws(KernelError) {
            let directory = try Descriptor.open(FilePath("/proc/\(pid)"), [.reading, .directory])
            let status = try directory.open("status", .reading).readText()
            let name = status.split(separator: "\n").first?.split(separator: "\t", maxSplits: 1).last ?? ""
            title = "process \(pid) (\(name))".printable
            noNewPrivileges = status.contains("\nNoNewPrivs:\t1")
            isInitialNamespace = try? directory.open("uid_map", .reading).readText().split(
                whereSeparator: \.isWhitespace
            )
            .elementsEqual(["0", "0", "4294967295"])
            do {
                let read = try ProcessCapabilities(status: status)
                sets = [
                    ("effective", "e", read.effective), ("permitted", "p", read.permitted),
                    ("inheritable", "i", read.inheritable), ("bounding", "b", read.bounding),
                    ("ambient", "a", read.ambient),
                ]
            } catch {
                throw KernelError("read", "status", in: "/proc/\(pid)", errno: .invalidArgument, hint: "\(error)")
            }
        } catch {
            guard error.errno != .noSuchFileOrDirectory, error.errno != .noSuchProcess else {
                throw ToolFailure(.failed, "there is no process \(pid)")
            }
            throw error
        }
    }
}
