// SPDX-License-Identifier: Apache-2.0

import Benchmark
import CFloor
import Cgroups
import Launching
import LinuxKernel
import Mounts
import NodeModel
import SystemPackage
import UserNamespaces

// To be run as root. Every benchmark removes what it made; a failure is the benchmark's error.
let benchmarks: @Sendable () -> Void = {
    Benchmark("plain bind mount", configuration: Metric.configuration) { benchmark in
        let place = try Place()
        try benchmark.compare(
            { try DetachedMount(cloning: place.source).attach(at: "target", in: place.directory) },
            { try checked(floor_bind(place.source.string, place.target.string), "floor_bind") },
            undo: { try checked(floor_unmount(place.target.string), "umount2") })
    }

    Benchmark("ID-mapped bind mount", configuration: Metric.configuration) { benchmark in
        let place = try Place()
        let namespace = try UserNamespace(mapping: map)
        let number = try checked(floor_user_namespace(), "floor_user_namespace")
        defer { floor_close(number) }
        try benchmark.compare(
            {
                try DetachedMount(cloning: place.source, mappedBy: namespace)
                    .attach(at: "target", in: place.directory)
            },
            { try checked(floor_idmap(place.source.string, place.target.string, number), "floor_idmap") },
            undo: { try checked(floor_unmount(place.target.string), "umount2") })
    }

    Benchmark("overlay of two ID-mapped layers, by descriptor", configuration: Metric.configuration) { benchmark in
        let place = try LayerPlace()
        let namespace = try UserNamespace(mapping: map)
        let number = try checked(floor_user_namespace(), "floor_user_namespace")
        defer { floor_close(number) }
        try benchmark.compare(
            {
                var layers = OverlayLayers()
                for name in ["one", "two"] {
                    layers.addLower(try DetachedMount(cloning: place.path.appending(name), mappedBy: namespace))
                }
                layers.setUpper(
                    try DetachedMount(cloning: place.path.appending("writable")), upper: "upper", work: "work")
                _ = try layers.mounted(by: .byDescriptor)
            },
            {
                try checked(
                    floor_overlay(
                        place.path.appending("one").string, place.path.appending("two").string,
                        place.path.appending("writable/upper").string, place.path.appending("writable/work").string,
                        number), "floor_overlay")
            })
    }

    Benchmark("user namespace descriptor", configuration: Metric.configuration) { benchmark in
        try compareUserNamespaces(benchmark)
    }

    Benchmark("user namespace descriptor, 1 GiB resident", configuration: Metric.configuration) { benchmark in
        try withBallast { try compareUserNamespaces(benchmark) }
    }

    // Not in turns with the others: it leaves every page of the caller to be copied at its next write, and whoever
    // comes after it pays for that.
    Benchmark("user namespace descriptor by fork, 1 GiB resident", configuration: Metric.configuration) { benchmark in
        try withBallast {
            for _ in 0..<20 {
                benchmark.measurement(
                    Metric.floor,
                    try nanoseconds {
                        floor_close(
                            try checked(floor_user_namespace_by_fork(), "floor_user_namespace_by_fork"))
                    })
            }
        }
    }

    Benchmark("start in user, network, cgroup", configuration: Metric.configuration) { benchmark in
        let place = try CgroupPlace()
        let number = try checked(floor_open_directory(place.path), "open")
        defer { floor_close(number) }
        var launch = Launch("/bin/true")
        launch.user = try map
        launch.namespaces = [.network]
        let null = SharedDescriptor(try Descriptor.open("/dev/null", .readingAndWriting))
        launch.streams = Streams(input: .shared(null), output: .shared(null), error: .shared(null))
        let plan = launch
        try benchmark.compare(
            { _ = try plan.start(in: place.transient.cgroup).wait() },
            { try checked(floor_launch("/bin/true", number), "floor_launch") })
    }
}

// The same as in the floor.
var map: IDMap { get throws { try IDMap(outside: 100_000, count: 65_536) } }

/// Runs with 1 GiB resident: written to, so that it is there, and read again, so that it has to stay.
func withBallast(_ body: () throws -> Void) rethrows {
    var ballast = [UInt8](repeating: 1, count: 1 << 30)
    try body()
    ballast[0] &+= ballast[ballast.count - 1]
    blackHole(ballast[0])
}

func compareUserNamespaces(_ benchmark: Benchmark) throws {
    let map = try map
    try benchmark.compare(
        { _ = try UserNamespace(mapping: map) },
        { floor_close(try checked(floor_user_namespace(), "floor_user_namespace")) })
}

/// A folder with something to mount and a place to mount it at.
struct Place: ~Copyable {
    let directory: Descriptor
    let source: FilePath
    let target: FilePath
    private let parent: Descriptor
    private static let name = "bulkhead-kernel-costs"

    init() throws {
        let parent = try Descriptor.open("/var/tmp", [.path, .directory])
        try parent.makeDirectory(Self.name)
        let directory = try parent.open(Self.name, [.path, .directory])
        try directory.makeDirectory("source")
        try directory.makeDirectory("target")
        let path = FilePath("/var/tmp").appending(Self.name)
        source = path.appending("source")
        target = path.appending("target")
        self.directory = directory
        self.parent = parent
    }

    deinit {
        _ = floor_unmount(target.string)
        try? directory.removeDirectory("source")
        try? directory.removeDirectory("target")
        try? parent.removeDirectory(Self.name)
    }
}

/// Folders for two lower layers and an upper one.
struct LayerPlace: ~Copyable {
    let path: FilePath
    private let place: Place
    private static let names = ["one", "two", "writable", "writable/upper", "writable/work"]

    init() throws {
        let place = try Place()
        let root = try Descriptor.open(place.source, [.path, .directory])
        for name in Self.names { try root.makeDirectory(name) }
        path = place.source
        self.place = place
    }

    deinit {
        guard let root = try? Descriptor.open(path, [.path, .directory]) else { return }
        // Overlay's own folder in the work directory stays.
        for name in ["writable/work/work"] + Self.names.reversed() { try? root.removeDirectory(name) }
    }
}

/// A cgroup directly beneath the root of cgroup v2.
struct CgroupPlace: ~Copyable {
    let transient: TransientCgroup
    var path: String { transient.cgroup.path.string }

    init() throws {
        let host = CgroupHost.probe()
        guard let path = host.root else {
            throw FloorError(call: host.absence ?? "no cgroup2", errno: .noSuchFileOrDirectory)
        }
        transient = try TransientCgroup(named: "bulkhead-kernel-costs", in: try Cgroup.open(path))
    }
}
