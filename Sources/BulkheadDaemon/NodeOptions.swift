// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeAgent
internal import NodeModel
internal import PodLaunching
internal import PodManifests
internal import SystemPackage
internal import ToolOutput

/// Which pods, and what of the node they get.
struct NodeOptions: ParsableArguments {
    @Option(help: .init("The directory of Pods and Jobs, as YAML or JSON.", valueName: "dir"), completion: .directory)
    var manifests: String

    @Option(
        help: .init("What the agent keeps: records, ranges of ids, logs, volumes of pods.", valueName: "dir"),
        completion: .directory)
    var state = "/var/lib/bulkhead"

    @Option(
        parsing: .upToNextOption,
        help: .init(
            "The directory of an image; 'host' is a read-only view of this host and needs none.", valueName: "name=dir"),
        completion: .directory)
    var image: [String] = []

    @Option(
        help: .init("A KubeletConfiguration; what the options say goes first.", valueName: "file"), completion: .file())
    var kubeletConfig: String?

    @Option(help: .init("Who makes the cgroups; only cgroupfs.", valueName: "driver"))
    var driver = "cgroupfs"

    @Option(help: .init("The cgroup that holds all pods, beneath the root of cgroup v2 (kubepods).", valueName: "name"))
    var root: String?

    @Option(help: .init("The name of the node (the host's name).", valueName: "name"))
    var nodeName: String?

    @Option(
        help: .init("Seconds between two looks at the directory although nothing is told of it.", valueName: "seconds"))
    var rescan: UInt32 = 20

    @Option(help: .init("How many pods may have a user namespace of their own.", valueName: "count"))
    var maxPods: UInt32 = 1024

    @Flag(help: "Go on without the controllers of cgroup v2 that this host lacks, and without protection.")
    var bestEffort = false

    func validate() throws {
        guard driver == "cgroupfs" else {
            throw ValidationError("--driver \(driver): the agent makes cgroups itself, which is cgroupfs")
        }
        guard rescan > 0 else { throw ValidationError("--rescan 0: at least a second") }
        _ = try images()
        if let root { _ = try Self.rootName(root) }
    }

    private static func rootName(_ text: String) throws -> CgroupName {
        do { return try CgroupName(cgroupfs: text) } catch { throw ValidationError("--root \(text): \(error)") }
    }

    private func images() throws -> [String: String] {
        var found: [String: String] = [:]
        for text in image {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--image \(text): expected NAME=DIR") }
            guard found.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw ValidationError("--image \(text): the image \(parts[0]) has two directories")
            }
        }
        return found
    }

    /// What follows from them on this machine.
    func settings() throws -> AgentSettings {
        var node = try Node.thisMachine(root: CgroupName(["kubepods"]))
        node.hugePageSizes = Node.hugePageSizes(.probe())
        var policy = MemoryReservationPolicy.tieredReservation
        if let kubeletConfig {
            let configuration: KubeletConfiguration
            do { configuration = try KubeletConfiguration(parsing: readText(kubeletConfig), file: kubeletConfig) } catch
            {
                throw ToolFailure(.failed, "\(error)".printable)
            }
            policy = configuration.configure(&node, gate: true, policy: policy)
        }
        node.layout = PodCgroupLayout(root: try root.map(Self.rootName) ?? node.layout.root, driver: .cgroupfs)
        // Killed, an agent would have its name of it in a relative path changed by whoever starts the next one elsewhere.
        guard state.hasPrefix("/"), manifests.hasPrefix("/") else {
            let name = state.hasPrefix("/") ? "--manifests \(manifests)" : "--state \(state)"
            throw ToolFailure(.usage, "\(name.printable): a path from the root of the file system, beginning with /")
        }
        var runtime = PodRuntimeConfiguration(
            node: node, policy: policy, images: try images(), stateFolder: "\(state)/runtime")
        runtime.bestEffort = bestEffort
        runtime.maxPods = maxPods
        let agent = NodeAgentConfiguration(
            manifests: FilePath(manifests), state: FilePath("\(state)/records"), rescanInterval: .seconds(Int64(rescan))
        )
        return AgentSettings(nodeName: nodeName ?? Node.nameOfThisMachine, runtime: runtime, agent: agent)
    }
}

/// What the options come to.
struct AgentSettings: Sendable {
    let nodeName: String
    var runtime: PodRuntimeConfiguration
    let agent: NodeAgentConfiguration

    /// Moves the agent into a leaf, `agent`, where the pods are to be beneath its own cgroup, as a unit of systemd that is
    /// delegated has it: a cgroup has either processes or children with controllers.
    func makeRoomForPods() throws(KernelError) {
        let own = try readKernelFile("/proc/self/cgroup").split(separator: "\n").first { $0.hasPrefix("0::/") }
        let components = own.map { $0.dropFirst("0::/".count).split(separator: "/").map(String.init) } ?? []
        guard !components.isEmpty, runtime.node.layout.root.components.starts(with: components) else { return }
        _ = try Cgroup.current().evacuate(toLeaf: "agent")
    }
}

/// A file that is named on the command line.
func readText(_ path: String) throws -> String {
    do { return try Descriptor.open(FilePath(path), .reading).readText() } catch {
        throw ToolFailure(.failed, "\(error)")
    }
}
