// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import ToolOutput

/// `bulkhead tree`: usage and protection of a tree as bars.
struct TreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree",
        abstract: "Shows what a tree of cgroups uses, and how it is protected, as bars.",
        discussion: """
            A full bar is memory.max of the cgroup or of the nearest ancestor that has one, else the machine's memory.
            █ is in use within memory.min, ▓ within memory.low, ▒ unprotected (yellow: over memory.high; red: nine
            tenths of memory.max); m, l and h stand where min, low and high end beyond the use. (+12) counts cgroups
            below that --depth leaves out. Numbers are of a cgroup and all below it.

            While it watches, q ends it.
            """)

    @Option(
        name: .long, defaultAsFlag: TreeInterval.seconds(Seconds(.seconds(1))), parsing: .next,
        help: .init("Refresh every so often (1 s) until q or Ctrl-C.", valueName: "seconds"))
    var watch: TreeInterval?

    @Flag(help: "Print one JSON document; with --watch, one on each line.")
    var json = false

    @Option(help: .init("Levels below CGROUP to show.", valueName: "n"))
    var depth: Int?

    @Flag(help: "Show all levels and all siblings; without, three levels and the 24 largest siblings at each place.")
    var all = false

    @Argument(
        help: .init("The cgroup; the root when none is named.", valueName: "cgroup"),
        completion: CgroupCompletion.places)
    var cgroup: String?

    func validate() throws {
        if let depth, depth < 0 { throw ValidationError("--depth is a number of levels, not \(depth)") }
        if let interval, interval < .milliseconds(100) {
            throw ValidationError("--watch takes at least 0.1 seconds: each time, files of all cgroups are read")
        }
        if case .place(let text)? = watch, cgroup != nil {
            throw ValidationError("--watch takes seconds, not '\(text.printable)'")
        }
    }

    /// How often; nil for once.
    var interval: Duration? {
        switch watch {
        case nil: nil
        case .seconds(let seconds)?: seconds.duration
        case .place?: .seconds(1)
        }
    }

    /// What is shown: also what stands where the seconds of `--watch` might be.
    var named: String {
        if case .place(let text)? = watch { return text }
        return cgroup ?? "/"
    }

    func run() throws {
        let place = try CgroupPlace(named)
        let reader = TreeReader(depth: depth ?? (all ? nil : 3), width: all ? nil : 24)
        let view = TreeView(place: place, reader: reader, machine: machineMemory().map { ByteCount($0) } ?? .max)
        guard let interval else {
            guard let sample = try view.sample() else { throw place.goneFailure }
            if json { return try Output.print(sample.json) }
            try Output.print(view.text(for: try TreeScreen.size(), rows: nil).lines(sample).joined(separator: "\n"))
            for note in view.notes { try Output.print("note  \(note)") }
            return
        }
        if json {
            try TreeWatch(view: view, interval: interval).documents()
        } else {
            try TreeWatch(view: view, interval: interval).frames()
        }
    }
}

/// What follows `--watch`: seconds, or already the cgroup.
enum TreeInterval: ExpressibleByArgument, Hashable {
    case seconds(Seconds)
    case place(String)

    init(argument: String) { self = Seconds(argument: argument).map(Self.seconds) ?? .place(argument) }
}

/// One tree, looked at once or again and again.
struct TreeView {
    let place: CgroupPlace
    let reader: TreeReader
    let machine: ByteCount

    /// Nil when the cgroup is gone.
    func sample() throws -> TreeSample? { try reader.sample(try place.open(), place.path) }

    func text(for columns: Int, rows: Int?) -> TreeText {
        TreeText(
            columns: columns, rows: rows, style: .forStandardOutput(), unicode: Self.isUnicode, machine: machine)
    }

    /// Why something is not shown.
    var notes: [String] {
        ["memory", "pids"].compactMap { controller in
            place.host.unavailability(of: controller).map {
                "no \(controller) is shown: the \(controller) controller is \($0)"
            }
        }
    }

    /// As the C library decides it.
    static var isUnicode: Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
        let name = locale.lowercased()
        return name.contains("utf-8") || name.contains("utf8")
    }
}
