// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead cgroup kill`: ends everything in a cgroup.
struct CgroupKillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Kills every process in a cgroup and below it.")

    @Flag(help: "Wait until all have ended.")
    var wait = false

    @Option(help: .init("How long to wait for that.", valueName: "seconds"))
    var timeout: Seconds?

    @OptionGroup var options: CgroupOptions

    func validate() throws {
        if timeout != nil && !wait {
            throw ValidationError("--timeout is for --wait: without it nothing is waited for")
        }
    }

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        try place.refuseOwn("killed")
        let cgroup = try place.open()
        if wait {
            guard try cgroup.killAndWait(timeout: (timeout ?? Seconds(.seconds(30))).duration) else {
                throw ToolFailure(
                    .failed,
                    "killed, but processes in \(place.path.text) have not ended within "
                        + "\(timeout ?? Seconds(.seconds(30))) s: \(try cgroup.processes(here: false))")
            }
        } else {
            try cgroup.kill()
        }
        try options.report(
            place.document(wait ? "empty" : "killed"), "\(place.path.text) is \(wait ? "empty" : "killed")")
    }
}

/// `bulkhead cgroup rm`: removes a cgroup.
struct CgroupRemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Removes a cgroup, with --recursive all below it, with --kill what runs inside.")

    @Flag(help: "Remove the cgroups below it, too, the deepest first.")
    var recursive = false

    @Flag(help: "Kill the processes inside first.")
    var kill = false

    @Option(help: .init("How long to wait for processes to end.", valueName: "seconds"))
    var timeout: Seconds?

    @OptionGroup var options: CgroupOptions

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        if kill { try place.refuseOwn("removed") } else { try place.refuseRoot("removed") }
        let cgroup = try place.open()
        let below = try cgroup.children()
        guard recursive || below.isEmpty else {
            throw ToolFailure(
                .failed,
                "\(place.path.text) has cgroups below it (\(below.count), one is \(below[0].printable)); "
                    + "--recursive removes them, too")
        }
        let limit = (timeout ?? Seconds(kill ? .seconds(30) : .zero)).duration
        let end = ContinuousClock.now + limit
        if kill, try !cgroup.killAndWait(timeout: limit) {
            throw ToolFailure(
                .failed,
                "killed, but processes in \(place.path.text) have not ended in time: "
                    + "\(try cgroup.processes(here: false))")
        }
        guard let parent = place.path.parent, let name = place.path.name else { return }
        let above = try place.open(parent)
        do throws(KernelError) {
            if recursive {
                try above.removeChild(name, timeout: max(.zero, end - .now))
            } else {
                // Not one cgroup more than was asked for, also when one is made below it just now.
                if !kill, limit > .zero { _ = try cgroup.waitUntilEmpty(timeout: limit) }
                try above.directory.removeDirectory(name)
            }
        } catch {
            guard error.errno == .resourceBusy else { throw error }
            let inside = try cgroup.processes(here: false)
            throw ToolFailure(
                .failed,
                inside.isEmpty
                    ? "\(error)".printable
                    : "\(place.path.text) is not removed: processes are in it (\(inside)); --kill ends them, --timeout "
                        + "waits for them")
        }
        try options.report(place.document("removed"), "\(place.path.text) is removed")
    }
}

extension Cgroup {
    /// Some of the processes in it, or in it and below.
    borrowing func processes(here: Bool) throws -> String {
        var found = try read(.processes) ?? []
        if !here {
            var names = try children()
            while found.count < 9, let name = names.popLast() {
                guard let child = try child(name) else { continue }
                found += try child.read(.processes) ?? []
                names += try child.children().map { "\(name)/\($0)" }
            }
        }
        let shown = found.prefix(8).map { $0 == 0 ? "outside the pid namespace" : String($0) }
        return shown.joined(separator: ", ") + (found.count > 8 ? " and more" : "")
    }
}
