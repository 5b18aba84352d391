// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// Starting `true`: by this library, by bare C, and by programs.
extension BenchSession {
    borrowing func measureLaunches(_ report: inout BenchReport) throws {
        report.notes["launch"] = [
            "'launch …' is this library in this process and 'C …' the same by bare system calls; the others are programs",
            "seven: user, mount, pid, net, ipc, uts and cgroup namespaces; all of it: these, born in a cgroup, with a copy "
                + "of the root, its own /proc, an ID-mapped volume, and the default seccomp filter",
            "root, as run does: a read-only view of the host with its own /proc, /dev, /tmp, /run and /root; 'bulkhead "
                + "run' makes a cgroup besides, sets capabilities and a seccomp filter, claims ids and watches over it all",
        ]
        guard let path = BenchProgram.find("true") else {
            throw ToolFailure(.impossible, "no program 'true' in PATH")
        }
        let scratch = try BenchScratch(in: request.folder)
        try scratch.directory.makeDirectory("volume")
        let place = try BenchCgroupPlace.make()
        let starts = try BenchStart.all(path, volume: scratch.path.appending("volume").string, place)
        let spawned = try BenchProgram(path, [], called: "true")
        var peers = [try spawn("posix_spawn", spawned, against: nil)]
        var absent: [String] = []
        for peer in try BenchPeers(true: path, scratch: scratch).programs {
            if let program = peer.program {
                peers.append(try spawn(peer.method, program, against: peer.reference))
            } else {
                absent.append(peer.method)
            }
        }

        let toExec = BenchResult.Group(bench: "launch", task: "start to exec")
        let untilExec = BenchContender(method: "posix_spawn", reference: nil) {
            var pid: Int32 = 0
            let taken = try secondsTaken { pid = try spawned.spawn() }
            _ = try spawned.waited(for: pid)
            return taken
        }
        try compete(
            [untilExec] + starts.flatMap { $0.contenders(untilExec: true) }, in: toExec, runs: request.runs, &report)

        let toEnd = BenchResult.Group(bench: "launch", task: "start to end")
        try compete(
            peers + starts.flatMap { $0.contenders(untilExec: false) }, in: toEnd, runs: request.runs, &report)
        report.omissions += absent.map { BenchOmission(group: toEnd, method: $0, reason: "not in PATH") }
        if place == nil {
            let reason = CgroupHost.probe().absence ?? "no cgroup"
            report.omissions.append(BenchOmission(group: toEnd, method: "launch all of it", reason: reason))
        }
        try measureLargeCaller([peers[0]] + starts.flatMap { $0.contenders(untilExec: false) }, &report)
        try tellMemory(path, &report)
    }

    /// The same from a process that has much memory of its own, as agents and runtimes in other languages have.
    private borrowing func measureLargeCaller(
        _ contenders: [BenchContender], _ report: inout BenchReport
    ) throws {
        let group = BenchResult.Group(bench: "launch", task: "start to end, by a process of 1 GiB")
        let size = 1 << 30
        guard let available = availableMemory(), available > UInt64(2 * size) else {
            report.omissions.append(BenchOmission(group: group, method: "all", reason: "less than 2 GiB are available"))
            return
        }
        let ballast = [UInt8](repeating: 1, count: size)
        try compete(contenders, in: group, runs: request.runs, &report)
        withExtendedLifetime(ballast) {}
    }

    private borrowing func spawn(
        _ method: String, _ program: BenchProgram, against reference: String?
    ) throws -> BenchContender {
        var isFirst = true
        return BenchContender(method: method, reference: reference) {
            defer { isFirst = false }
            return try secondsTaken { try isFirst ? program.runTalking() : program.run() }
        }
    }

    /// What the tool needs of memory while its command runs.
    private borrowing func tellMemory(_ path: String, _ report: inout BenchReport) throws {
        guard let sleep = BenchProgram.find("sleep") else { return }
        var told: [String] = []
        for (name, program) in try BenchPeers.waiting(sleep) {
            guard let program else { continue }
            let pid = try program.spawn()
            var peak: String?
            // The peak stays once it is reached; the lines are gone when the process is.
            while let status = try? readKernelFile(FilePath("/proc/\(pid)/status")),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
            {
                peak = String(line.dropFirst(6).drop { $0 == " " || $0 == "\t" })
                _ = try poll([], timeoutMilliseconds: 10)
            }
            _ = try program.waited(for: pid)
            if let peak { told.append("\(name) \(peak)") }
        }
        report.notes["launch", default: []].append(
            "resident memory at its peak while the command runs: " + told.joined(separator: ", "))
    }
}

/// A cgroup for started processes, removed with the last reference.
final class BenchCgroupPlace {
    private let transient: TransientCgroup
    var cgroup: Cgroup { _read { yield transient.cgroup } }

    private init(_ transient: consuming TransientCgroup) { self.transient = transient }

    /// Nil where this host has no cgroup v2.
    static func make() throws -> BenchCgroupPlace? {
        guard let root = CgroupHost.probe().root else { return nil }
        return BenchCgroupPlace(
            try TransientCgroup(named: "bulkhead-bench-\(processID)", in: try Cgroup.open(root)))
    }
}
