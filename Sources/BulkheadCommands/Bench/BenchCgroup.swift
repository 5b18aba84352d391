// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// What cgroups cost, beside the same by bare system calls in C: a whole life, five limits, reading again and again.
extension BenchSession {
    borrowing func measureCgroups(_ report: inout BenchReport) throws {
        let group = BenchResult.Group(bench: "cgroup", fileSystem: nil, files: nil, task: "life")
        let host = CgroupHost.probe()
        guard let path = host.root else {
            report.omissions.append(
                BenchOmission(group: group, method: "bulkhead", reason: host.absence ?? "no cgroup v2"))
            return
        }
        let root = try Cgroup.open(path)
        let lent = try BenchLentControllers(of: root)
        defer { lent.giveBack(root) }
        try measureCgroups(try BenchLimits(at: root), in: group, &report)
    }

    private borrowing func measureCgroups(
        _ limits: BenchLimits, in group: BenchResult.Group, _ report: inout BenchReport
    ) throws {
        guard let place = try BenchCgroupPlace.make() else { return }
        report.notes["cgroup"] = [
            "life: mkdir pod, enable \(limits.controllers.sorted().map(\.rawValue)) in it, mkdir app, five limits, read "
                + "statistics, kill, rmdir app and pod; +process: with 'true' in it, born there by clone3",
            "limits that this host can set: \(limits.names)",
            "a ratio is of medians; in brackets the middle half of the ratios of single rounds",
        ]
        // What stays ready for any number of pods is not part of a life: the controllers in the group above.
        try place.cgroup.enable(limits.controllers)
        try measureLives(limits, place, in: group, &report)
        let pod = try place.cgroup.createChild("pod")
        try measureLimits(limits, pod, &report)
        try measureReading(limits, pod, "statistics", CgroupStatistics.files, &report)
        let readable = CgroupFile.known.filter {
            $0.access != .write && !["cgroup.procs", "cgroup.threads"].contains($0.name)
        }
        try measureReading(limits, pod, "all files", readable, &report)
        try place.cgroup.removeChild("pod")
    }

    private borrowing func measureLives(
        _ limits: BenchLimits, _ place: BenchCgroupPlace, in group: BenchResult.Group, _ report: inout BenchReport
    ) throws {
        let program = BenchProgram.find("true") ?? "/bin/true"
        let null = BenchHeldDescriptor(try Descriptor.open("/dev/null", .readingAndWriting))
        let shared = SharedDescriptor(try null.descriptor.duplicate())
        var launch = Launch(program)
        launch.streams = Streams(input: .shared(shared), output: .shared(shared), error: .shared(shared))
        let floor = try BenchFloor(limits, files: CgroupStatistics.files)

        func contender(_ method: String, _ reference: String?, _ life: @escaping () throws -> Void) -> BenchContender {
            BenchContender(method: method, reference: reference) {
                let taken = try secondsTaken(life)
                guard try place.cgroup.children().isEmpty else {
                    throw ToolFailure(.failed, "the cgroup is still there")
                }
                return taken
            }
        }
        try compete(
            [
                contender("bare C", nil) { try floor.life(in: place.cgroup, program: nil, null: null) },
                contender("bulkhead", "bare C") { try limits.life(in: place.cgroup, launch: nil) },
                contender("bare C+process", nil) { try floor.life(in: place.cgroup, program: program, null: null) },
                contender("bulkhead+process", "bare C+process") { try limits.life(in: place.cgroup, launch: launch) },
            ], in: group, runs: request.runs * 10, &report)
    }

    private borrowing func measureLimits(
        _ limits: BenchLimits, _ pod: borrowing Cgroup, _ report: inout BenchReport
    ) throws {
        let group = BenchResult.Group(bench: "cgroup", fileSystem: nil, files: nil, task: "five limits")
        let floor = try BenchFloor(limits, files: [])
        try floor.openLimits(of: pod)
        let cgroup = BenchHeldCgroup(try pod.duplicate())
        let writer = BenchHeldWriter(try CgroupWriter(of: pod, limits.batch.entries.map(\.file)))
        try compete(
            [
                .repeating("bare C", nil) { try floor.set(in: cgroup.cgroup) },
                .repeating("bulkhead", "bare C") { try cgroup.cgroup.write(limits.batch) },
                .repeating("bare C, kept descriptors", nil) { try floor.write() },
                .repeating("bulkhead, kept descriptors", "bare C, kept descriptors") {
                    try writer.writer.write(limits.batch)
                },
            ], in: group, runs: request.runs * 10, &report)
    }

    private borrowing func measureReading(
        _ limits: BenchLimits, _ pod: borrowing Cgroup, _ what: String, _ files: [CgroupFile],
        _ report: inout BenchReport
    ) throws {
        let floor = try BenchFloor(limits, files: files)
        let count = try floor.openFiles(of: pod)
        let group = BenchResult.Group(bench: "cgroup", fileSystem: nil, files: count, task: "reading \(what)")
        let sampler = BenchHeldSampler(try CgroupSampler(of: pod, files: files))
        var contenders: [BenchContender] = [
            .repeating("bare C pread", nil) { try floor.read() },
            .repeating("bulkhead sampler", "bare C pread") {
                guard try sampler.sampler.pass() == .read else { throw ToolFailure(.failed, "the cgroup is gone") }
            },
        ]
        if files == CgroupStatistics.files {
            contenders.append(
                .repeating("bulkhead sampler, as numbers", "bare C pread") {
                    guard try sampler.sampler.statistics() != nil else {
                        throw ToolFailure(.failed, "the cgroup is gone")
                    }
                })
        }
        try compete(contenders, in: group, runs: request.runs * 10, &report)
    }
}

extension BenchLimits {
    /// The whole life by the library.
    func life(in parent: borrowing Cgroup, launch: Launch?) throws {
        let pod = try parent.createChild("pod")
        let app = try pod.createChild("app", enabling: controllers)
        try app.write(batch)
        if let launch {
            let child = try launch.start(in: app)
            _ = try app.statistics()
            try app.kill()
            _ = try child.wait()
        } else {
            _ = try app.statistics()
            try app.kill()
        }
        try pod.removeChild("app", timeout: .seconds(5))
        try parent.removeChild("pod", timeout: .seconds(5))
    }
}

extension BenchContender {
    /// For what is over in microseconds: the mean of sixteen.
    fileprivate static func repeating(
        _ method: String, _ reference: String?, _ act: @escaping () throws -> Void
    ) -> BenchContender {
        BenchContender(method: method, reference: reference) {
            try secondsTaken { for _ in 0..<16 { try act() } } / 16
        }
    }
}

/// Values with one owner, for closures.
private final class BenchHeldCgroup {
    let cgroup: Cgroup
    init(_ cgroup: consuming Cgroup) { self.cgroup = cgroup }
}

private final class BenchHeldWriter {
    let writer: CgroupWriter
    init(_ writer: consuming CgroupWriter) { self.writer = writer }
}

private final class BenchHeldSampler {
    var sampler: CgroupSampler
    init(_ sampler: consuming CgroupSampler) { self.sampler = sampler }
}
