// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import NodeAgent
internal import NodeModel
internal import PodLaunching
internal import SystemPackage
internal import TestSupport
internal import Testing

/// Where a runtime of a test's own keeps what it has: a state folder, and a root of pods in the hierarchy.
struct RuntimePlace {
    let scratch: Scratch
    let root: String
    /// Ids that no run of the tool claims by itself.
    static let ids = IDRange(first: 1_310_720_000, count: 65_536 * 64)

    init(in folder: String? = nil) throws {
        scratch = try Scratch(in: folder)
        root = TestTree.newName()
    }

    var state: String { scratch.path("state") }

    func runtime(_ change: (inout PodRuntimeConfiguration) -> Void = { _ in }) throws -> LinuxPodRuntime {
        try Self.runtime(root: root, state: state, change)
    }

    static func runtime(
        root: String, state: String, _ change: (inout PodRuntimeConfiguration) -> Void = { _ in }
    ) throws -> LinuxPodRuntime {
        var configuration = PodRuntimeConfiguration(
            node: try Node.thisMachine(root: CgroupName([root])), stateFolder: state)
        configuration.bestEffort = true
        configuration.idRange = ids
        configuration.maxPods = 64
        change(&configuration)
        return try LinuxPodRuntime(configuration)
    }

    /// Ends and removes what a test has left.
    func clean() {
        guard let cgroups = try? Cgroup.root(), let mine = try? cgroups.child(root) else { return }
        _ = try? mine.killAndWait(timeout: .seconds(20))
        try? cgroups.removeChild(root, timeout: .seconds(20))
    }

    /// A folder that the pod's containers see at `/v`.
    func shared(_ uid: String) -> String { "\(state)/pods/\(uid)/volumes/v" }

    func logSize(_ path: String) -> UInt64 { (try? FileStatus(at: FilePath(path)).size) ?? 0 }

    /// What a container has written.
    func log(_ pod: Pod, _ container: String, _ attempt: Int = 1) -> String {
        let path = "\(state)/logs/\(pod.namespace)_\(pod.name)_\(pod.uid)/\(container)/\(attempt).log"
        return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}

/// A pod of shell scripts, one a container, with a user namespace and a volume at `/v`.
func scriptPod(_ uid: String, _ scripts: [(String, String)], hostUsers: Bool = false) -> Pod {
    let containers = scripts.map { name, script in
        Container(
            name: name, image: "host", command: ["/bin/sh", "-c", script],
            volumeMounts: [VolumeMount(name: "v", mountPath: "/tmp/v")])
    }
    let spec = PodSpec(
        containers: containers, volumes: [Volume(name: "v", source: .emptyDir(inMemory: false, sizeLimit: nil))],
        hostUsers: hostUsers, restartPolicy: .never)
    return Pod(name: "p-\(uid)", uid: uid, spec: spec)
}

/// A script that waits for a name in the volume and then goes on.
func waiting(for name: String, then rest: String) -> String {
    "while [ ! -e /tmp/v/\(name) ]; do sleep 0.05; done; \(rest)"
}

/// The next end, within a generous time.
func nextEnd(of runtime: LinuxPodRuntime) async throws -> ContainerEnd {
    try await withThrowingTaskGroup(of: ContainerEnd?.self) { group in
        group.addTask {
            for await end in runtime.ends { return end }
            return nil
        }
        group.addTask {
            try await Task.sleep(for: .seconds(60))
            return nil
        }
        let first = try await group.next() ?? nil
        group.cancelAll()
        return try #require(first)
    }
}
