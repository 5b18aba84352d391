// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import ToolOutput

/// `bulkhead cgroup freeze`: stops everything in a cgroup.
struct CgroupFreezeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze",
        abstract: "Stops every process in a cgroup and below it, and waits until all stand still.",
        discussion: "When the time runs out the request is taken back, and the exit code is 1.")

    @Option(help: .init("How long to wait for it.", valueName: "seconds"))
    var timeout = Seconds(.seconds(10))

    @OptionGroup var options: CgroupOptions

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        try place.refuseOwn("frozen")
        let outcome = try place.open().freeze(timeout: timeout.duration)
        switch outcome {
        case .frozen: try options.report(place.document("frozen"), "\(place.path.text) is frozen")
        case .timedOut:
            throw ToolFailure(
                .failed,
                "not every process in \(place.path.text) stood still within \(timeout) s (one is in a call that cannot "
                    + "be interrupted); they run on")
        case .gone: throw place.goneFailure
        case .running, .heldByAncestor: throw ToolFailure(.failed, "\(place.path.text) is not frozen")
        }
    }
}

/// `bulkhead cgroup thaw`: lets everything in a cgroup run again.
struct CgroupThawCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw",
        abstract: "Lets the processes of a frozen cgroup run again, and waits until they may.")

    @Option(help: .init("How long to wait for it.", valueName: "seconds"))
    var timeout = Seconds(.seconds(10))

    @OptionGroup var options: CgroupOptions

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        try place.refuseRoot("thawed")
        switch try place.open().thaw(timeout: timeout.duration) {
        case .running: try options.report(place.document("running"), "\(place.path.text) runs")
        case .heldByAncestor:
            throw ToolFailure(
                .failed,
                "\(place.path.text) is thawed, but \(try frozenAncestor(place)) is frozen, so its processes still stand"
            )
        case .timedOut:
            throw ToolFailure(.failed, "\(place.path.text) was not seen running within \(timeout) s")
        case .gone: throw place.goneFailure
        case .frozen: throw ToolFailure(.failed, "\(place.path.text) is still frozen")
        }
    }

    private func frozenAncestor(_ place: CgroupPlace) throws -> String {
        var path = place.path
        while let parent = path.parent, !parent.isRoot {
            if try place.open(parent).read(.freeze) == true { return parent.text }
            path = parent
        }
        return "an ancestor that cannot be seen from here"
    }
}

extension CgroupPlace {
    /// The root holds everything.
    func refuseRoot(_ what: String) throws {
        if path.isRoot { throw ToolFailure(.usage, "the root cgroup cannot be \(what); name one below it") }
    }

    /// What would stop or end this tool itself.
    func refuseOwn(_ what: String) throws {
        try refuseRoot(what)
        if holdsCaller {
            throw ToolFailure(.usage, "\(path.text) is not \(what): this command itself runs in it")
        }
    }

    var goneFailure: ToolFailure { ToolFailure(.failed, "\(path.text) was removed meanwhile") }

    func document(_ state: String) -> JSON { ["path": .string(path.description), "state": .string(state)] }
}
