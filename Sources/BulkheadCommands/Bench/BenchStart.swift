// SPDX-License-Identifier: Apache-2.0

internal import CBenchFloor
internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import ToolOutput

/// One way to start a program, by the library and the same by bare system calls in C.
final class BenchStart {
    let name: String
    private let launch: Launch
    private let floor: BenchLaunchFloor?
    private let place: BenchCgroupPlace?

    private init(_ name: String, _ launch: Launch, _ floor: BenchLaunchFloor?, in place: BenchCgroupPlace? = nil) {
        self.name = name
        self.launch = launch
        self.floor = floor
        self.place = place
    }

    /// From no isolation to all of it.
    static func all(_ program: String, volume: String, _ place: BenchCgroupPlace?) throws -> [BenchStart] {
        let map = try IDMap(outside: 100_000, count: 65_536)
        let null = SharedDescriptor(try Descriptor.open("/dev/null", .readingAndWriting))
        let held = BenchHeldDescriptor(try Descriptor.open("/dev/null", .readingAndWriting))
        let seven: NamespaceKinds = [.user, .mount, .pid, .network, .ipc, .uts, .cgroup]
        func start(_ name: String, _ kinds: NamespaceKinds) -> BenchStart {
            var launch = Launch(program)
            launch.user = kinds.contains(.user) ? map : nil
            launch.namespaces = kinds.subtracting(.user)
            launch.streams = Streams(input: .shared(null), output: .shared(null), error: .shared(null))
            return BenchStart(name, launch, BenchLaunchFloor(program, kinds, map, held))
        }
        var starts = [
            start("plain", []), start("user", [.user]), start("user,net", [.user, .network]), start("seven", seven),
        ]
        if let place {
            let whole = start("all of it", seven)
            var launch = whole.launch
            launch.root = RootFileSystem(steps: [
                .directory(source: "/", ownership: .plain),
                .new(type: "proc", target: "/proc", attributes: [.noSetID, .noDevices, .noExecution]), .volumes,
            ])
            launch.volumes = [HostVolume(source: volume, target: "/tmp")]
            let filter = try SeccompFilter.default.compiled()
            launch.seccomp = filter
            let floor = BenchLaunchFloor(
                program, seven, map, held, volume: volume, at: "/tmp", filter.instructions, place)
            starts.append(BenchStart("all of it", launch, floor, in: place))
            // What `run` starts: nobody does the same in C.
            launch.root = try .hostView()
            launch.volumes = []
            launch.reaper = true
            launch.hostName = "bulkhead"
            starts.append(BenchStart("as run does", launch, nil, in: place))
        }
        return starts
    }

    /// The library and C, measured up to the exec or up to the end.
    func contenders(untilExec: Bool) -> [BenchContender] {
        var contenders: [BenchContender] = []
        if let floor {
            contenders.append(
                BenchContender(method: "C \(name)", reference: "posix_spawn") {
                    try Self.timed(untilExec, begin: floor.begin, end: floor.end)
                })
        }
        contenders.append(
            BenchContender(method: "launch \(name)", reference: floor == nil ? "posix_spawn" : "C \(name)") {
                [self] in try Self.timed(untilExec, begin: begin) { try $0.end() }
            })
        return contenders
    }

    private static func timed<Started>(
        _ untilExec: Bool, begin: () throws -> Started, end: (Started) throws -> Int32
    ) throws -> Double {
        var code: Int32 = 0
        var started: Started?
        let toExec = try secondsTaken { started = try begin() }
        let rest = try secondsTaken { if let started { code = try end(started) } }
        guard code == 0 else { throw ToolFailure(.failed, "true ended with \(code)") }
        return untilExec ? toExec : toExec + rest
    }

    private func begin() throws -> BenchChild {
        if let place { return BenchChild(try launch.start(in: place.cgroup)) }
        return BenchChild(try launch.start())
    }
}

/// A child where a value with one owner cannot be.
private final class BenchChild {
    private var child: Child?
    init(_ child: consuming Child) { self.child = consume child }
    func end() throws -> Int32 { try child.take()?.wait().status.shellCode ?? 0 }
}

/// What C starts: everything laid out beforehand.
@safe final class BenchLaunchFloor {
    private var plan: bk_floor_launch
    private let texts: [UnsafeMutablePointer<CChar>]
    private let filter: UnsafeMutableBufferPointer<UInt64>
    private let null: BenchHeldDescriptor
    private let place: BenchCgroupPlace?

    init(
        _ program: String, _ kinds: NamespaceKinds, _ map: IDMap, _ null: BenchHeldDescriptor, volume: String? = nil,
        at target: String? = nil, _ instructions: [UInt64] = [], _ place: BenchCgroupPlace? = nil
    ) {
        var texts: [UnsafeMutablePointer<CChar>] = unsafe []
        func copy(_ text: String) -> UnsafeMutablePointer<CChar> {
            let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: text.utf8.count + 1)
            _ = unsafe copy.initialize(from: text.utf8.map(CChar.init(bitPattern:)) + [0])
            unsafe texts.append(copy.baseAddress.unsafelyUnwrapped)
            return unsafe copy.baseAddress.unsafelyUnwrapped
        }
        unsafe filter = .allocate(capacity: instructions.count)
        _ = unsafe filter.initialize(from: instructions)
        unsafe plan = bk_floor_launch(
            program: copy(program), null_fd: null.descriptor.number, cgroup: -1, namespaces: kinds.rawValue,
            map: kinds.contains(.user) ? copy(map.uidText) : nil, volume: volume.map { unsafe copy($0) },
            target: target.map { unsafe copy($0) },
            filter: instructions.isEmpty ? nil : UnsafeRawPointer(filter.baseAddress),
            filter_length: UInt16(clamping: instructions.count))
        if let place { unsafe plan.cgroup = place.cgroup.directory.number }
        unsafe self.texts = unsafe texts
        self.null = null
        self.place = place
    }

    deinit {
        unsafe texts.forEach { unsafe $0.deallocate() }
        unsafe filter.deallocate()
    }

    /// Starts it, up to its exec.
    func begin() throws(KernelError) -> CInt { try check(unsafe bk_floor_begin(&plan), "bk_floor_begin") }

    /// Waits for its end: the exit code.
    func end(_ process: CInt) throws(KernelError) -> Int32 { try check(bk_floor_end(process), "bk_floor_end") }

    private func check(_ result: CInt, _ call: String) throws(KernelError) -> CInt {
        guard result < 0 else { return result }
        throw KernelError(call, "the same in C", errno: Errno(rawValue: -result))
    }
}
