// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import Glibc
internal import LinuxKernel
internal import NodeModel
internal import ToolOutput

/// `bulkhead cgroup shrink`: lowers `memory.max` without killing.
struct CgroupShrinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shrink",
        abstract: "Sets memory.max to less than is in use now, and kills nothing.",
        discussion: """
            memory.high is lowered first, memory is taken back step by step, and memory.max follows once use is below
            SIZE. When that is not reached in time, or a signal ends the command, the values of before are back, the exit
            code is 1 and the message says how far use is above.

            Killed in the middle (kill -9), the command leaves memory.high lowered and memory.max untouched or reached.
            "cgroup stat" tells so, and the next "cgroup shrink" puts memory.high back.
            """)

    @Option(help: .init("How long it may take.", valueName: "seconds"))
    var deadline = Seconds(.seconds(30))

    @OptionGroup var options: CgroupOptions

    @Argument(help: .init("The new memory.max, as 512Mi.", valueName: "size"))
    var size: CgroupSize

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        try place.refuseRoot("shrunk")
        try place.require(.memory, to: "shrinking")
        let cgroup = try place.open()
        // A signal waits until the values of before are back.
        let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGQUIT])
        var ending: Int32?
        let outcome = try cgroup.shrink(to: size.bytes, deadline: deadline.duration) {
            ending = ending ?? signals.next()
            return ending == nil
        }
        let name = place.path.text
        switch outcome {
        case .shrunk(let usage):
            try report(place, "shrunk", usage, "\(name) uses \(usage.short), and memory.max is \(size.bytes.short)")
        case .above(let excess):
            let cause = ending == nil ? "\(deadline) s were not enough" : "ended by a signal"
            if options.json { try report(place, "above", size.bytes + excess, "") }
            Output.complain(
                "\(name) is still \(excess.short) above \(size.bytes.short): \(cause); memory.max and memory.high are as "
                    + "they were. What is left is memory of processes without swap, protected, or in constant use")
            throw ExitCode(ending.map { 128 + $0 } ?? ToolExit.failed.rawValue)
        case .killed(let usage):
            if options.json { try report(place, "killed", usage, "") }
            throw ToolFailure(
                .failed,
                "memory.max of \(name) is \(size.bytes.short), but a process took so much more at that instant that the "
                    + "kernel killed one (oom_kill of memory.events)")
        case .gone: throw place.goneFailure
        }
    }

    private func report(_ place: CgroupPlace, _ state: String, _ usage: ByteCount, _ text: String) throws {
        try options.report(
            [
                "path": .string(place.path.description), "state": .string(state), "limit": size.bytes.json,
                "current": .integer(usage.bytes),
                "above": .integer(usage > size.bytes ? (usage - size.bytes).bytes : 0),
            ], text)
    }
}

/// `bulkhead cgroup reclaim`: takes memory back now.
struct CgroupReclaimCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reclaim",
        abstract: "Asks the kernel to take memory back from a cgroup: page cache, and what can be swapped out.",
        discussion: "Nothing is killed. The exit code is 1 when less was to be had. Since Linux 5.19.")

    @OptionGroup var options: CgroupOptions

    @Argument(help: .init("How much, as 64Mi.", valueName: "size"))
    var size: CgroupSize

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        try place.refuseRoot("reclaimed from")
        try place.require(.memory, to: "reclaiming")
        guard let outcome = try place.open().reclaim(ReclaimRequest(size.bytes)) else {
            throw ToolFailure(
                .impossible, "this kernel cannot be asked for memory: memory.reclaim is there since Linux 5.19")
        }
        let name = place.path.text
        try options.report(
            [
                "path": .string(place.path.description), "reached": .bool(outcome.isReached),
                "freed": .integer(outcome.freed.bytes), "current": .integer(outcome.usage.bytes),
            ], "\(name) gave back \(outcome.freed.short) and uses \(outcome.usage.short)")
        if !outcome.isReached {
            throw ToolFailure(.failed, "less than \(size.bytes.short) could be taken from \(name)")
        }
    }
}

/// A size on the command line: bytes or a quantity.
struct CgroupSize: ExpressibleByArgument, Hashable {
    let bytes: ByteCount

    init?(argument: String) {
        guard let bytes = try? ByteCount(parsing: argument), bytes > .zero, bytes.refusal == nil else { return nil }
        self.bytes = bytes
    }
}
