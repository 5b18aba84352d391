// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// A cgroup's life: make a pod's cgroup and enable controllers in it, make a container's beneath, five limits, read
/// statistics, kill, remove both.
extension BenchSession {
    borrowing func measureCgroups(_ report: inout BenchReport) throws {
        let group = BenchResult.Group(bench: "cgroup", fileSystem: nil, files: nil)
        let host = CgroupHost.probe()
        guard let place = try BenchCgroupPlace.make(), let root = host.root else {
            report.omissions.append(
                BenchOmission(group: group, method: "bulkhead", reason: host.absence ?? "no cgroup v2"))
            return
        }
        let limits = try BenchLimits(at: Cgroup.open(root))
        report.notes["cgroup"] = [
            "mkdir pod, enable \(limits.controllers.sorted().map(\.rawValue)) in it, mkdir app, five limits, "
                + "read statistics, kill, rmdir app and pod",
            "limits that this host can set: \(limits.values.map(\.file).joined(separator: ", "))",
            "+process: with 'true' in it; bulkhead starts it there by clone3, system calls start it by posix_spawn "
                + "and move it by cgroup.procs, as is usual",
        ]
        // What stays ready for any number of pods is not part of a life: the controllers in the group above.
        try place.cgroup.enable(limits.controllers)
        let path = place.cgroup.path.string
        let program = BenchProgram.find("true") ?? "/bin/true"
        let spawned = try BenchProgram(program, [], called: "true")
        var launch = Launch(program)
        let null = SharedDescriptor(try Descriptor.open("/dev/null", .readingAndWriting))
        launch.streams = Streams(input: .shared(null), output: .shared(null), error: .shared(null))

        func contender(_ method: String, _ reference: String?, _ life: @escaping () throws -> Void) -> BenchContender {
            BenchContender(method: method, reference: reference) {
                let taken = try secondsTaken(life)
                guard try place.cgroup.children().isEmpty else {
                    throw ToolFailure(.failed, "the cgroup is still there")
                }
                return taken
            }
        }
        let bare = BenchBareLife(parent: path, limits: limits)
        try compete(
            [
                contender("system calls", nil) { try bare.run(process: nil) },
                contender("bulkhead", "system calls") { try limits.life(in: place.cgroup, launch: nil) },
                contender("system calls+process", nil) { try bare.run(process: spawned) },
                contender("bulkhead+process", "system calls+process") {
                    try limits.life(in: place.cgroup, launch: launch)
                },
            ], in: group, runs: request.runs, &report)
    }
}

/// Five limits that this host can set, and how.
struct BenchLimits {
    var controllers: Set<Controller> = []
    var values: [(file: String, text: String, write: (borrowing Cgroup) throws(KernelError) -> Void)] = []
    /// The files that `Cgroup.statistics` reads.
    var statistics: [String] = []

    init(at root: borrowing Cgroup) throws(KernelError) {
        // Only what the root gives to its children already: enabling more there would outlast the benchmark.
        let offered = Set(try root.read(.subtreeControl) ?? [])
        func add<Value>(_ file: InterfaceFile<Value>, _ value: Value) {
            guard values.count < 5 else { return }
            if let controller = file.file.controller {
                guard offered.contains(controller) else { return }
                controllers.insert(controller)
            }
            values.append(
                (
                    file.file.name, value.kernelText,
                    { (cgroup) throws(KernelError) in
                        try cgroup.write(value, to: file)
                    }
                ))
        }
        add(.memoryMax, ByteCount(256 << 20))
        add(.memoryHigh, ByteCount(192 << 20))
        add(.memoryLow, ByteCount(64 << 20))
        add(.pidsMax, 100)
        add(.cpuWeight, 50)
        // Every host has it: writing that nothing is frozen changes nothing, and costs a write as the others do.
        for _ in values.count..<5 { add(.freeze, false) }
        if controllers.isEmpty, offered.contains(.hugetlb) { controllers.insert(.hugetlb) }
        if controllers.contains(.memory) { statistics += ["memory.current", "memory.peak", "memory.events"] }
        if controllers.contains(.pids) { statistics.append("pids.current") }
        statistics += ["cpu.stat", "cpu.pressure", "memory.pressure", "io.pressure"]
    }

    /// The whole life by the library.
    func life(in parent: borrowing Cgroup, launch: Launch?) throws {
        let pod = try parent.createChild("pod")
        let app = try pod.createChild("app", enabling: controllers)
        for value in values { try value.write(app) }
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

/// The same life by the C library's calls, by paths as most programs do it, with nothing checked but success.
struct BenchBareLife {
    let parent: String
    let limits: BenchLimits

    func run(process: BenchProgram?) throws {
        let pod = parent + "/pod"
        let app = pod + "/app"
        try check(unsafe mkdir(pod, 0o755), "mkdir", pod)
        let words = limits.controllers.sorted().map { "+\($0)" }.joined(separator: " ")
        if !words.isEmpty { try write(words, pod + "/cgroup.subtree_control") }
        try check(unsafe mkdir(app, 0o755), "mkdir", app)
        for value in limits.values { try write(value.text, app + "/" + value.file) }
        let pid = try process?.spawn()
        if let pid {
            // It may have ended by now: only a parent that waits later can be sure of the number.
            do throws(KernelError) {
                try write("\(pid)", app + "/cgroup.procs")
            } catch {
                guard error.errno == .noSuchProcess else { throw error }
            }
        }
        for file in limits.statistics { try read(app + "/" + file) }
        try write("1", app + "/cgroup.kill")
        if let pid, let process { _ = try process.waited(for: pid) }
        try check(unsafe rmdir(app), "rmdir", app)
        try check(unsafe rmdir(pod), "rmdir", pod)
    }

    @discardableResult
    private func check(_ result: CInt, _ call: String, _ path: String) throws(KernelError) -> CInt {
        guard result < 0 else { return result }
        throw KernelError(call, path, errno: Errno(rawValue: errno))
    }

    private func write(_ text: String, _ path: String) throws(KernelError) {
        let file = try check(unsafe open(path, O_WRONLY | O_CLOEXEC), "open", path)
        let count = unsafe Glibc.write(file, text, text.utf8.count)
        let failure = errno
        close(file)
        guard count == text.utf8.count else {
            throw KernelError("write", path, value: text, errno: Errno(rawValue: failure))
        }
    }

    private func read(_ path: String) throws(KernelError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        // Pressure files are not on every kernel, for the library neither.
        if file < 0, errno == ENOENT { return }
        try check(file, "open", path)
        unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
            _ = unsafe Glibc.read(file, buffer.baseAddress, 4096)
        }
        close(file)
    }
}
