// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import PodLaunching
internal import TestSupport
internal import Testing

@Suite("A pod in terms of launches")
struct AgentRuntimePlanTests {
    private func plan(_ change: (inout PodSpec) -> Void = { _ in }) throws -> PodLaunch {
        var pod = scriptPod("plan", [("main", "exit 0")])
        change(&pod.spec)
        return PodLaunch(pod: pod, map: try testMap, images: ["image": "/srv/image"])
    }

    private func refusal(_ change: (inout PodSpec) -> Void) throws -> PodLaunchError? {
        let plan = try plan(change)
        do throws(PodLaunchError) {
            try plan.refuseUnimplemented()
            _ = try plan.launch(of: plan.pod.spec.containers[0])
            return nil
        } catch { return error }
    }

    @Test(
        "A volume that has a directory is mounted from there, and one that has none is the container's own",
        .needs(.idmappedMounts))
    func emptyDirectories() throws {
        var plan = try plan()
        #expect(try plan.launch(of: plan.pod.spec.containers[0]).volumes.isEmpty)
        plan.emptyDirectories = ["v": "/srv/v"]
        #expect(
            try plan.launch(of: plan.pod.spec.containers[0]).volumes
                == [HostVolume(source: "/srv/v", target: "/tmp/v", ownership: .plain)])
    }

    @Test("What cannot be is refused by its field, for good")
    func refusals() throws {
        let image = try refusal { $0.containers[0].image = "other" }
        #expect(image == .noImage(pod: "default/p-plan", container: "main", image: "other"))
        let capability = try refusal { $0.containers[0].securityContext.capabilities.add = ["FLY"] }
        #expect(capability?.description.contains("containers[main].securityContext.capabilities.add: 'FLY'") == true)
        let root = try refusal { $0.securityContext.runAsNonRoot = true }
        #expect(root?.description == "default/p-plan: container main has runAsNonRoot and would run as root")
        let privileged = try refusal { $0.containers[0].securityContext.privileged = true }
        #expect(privileged?.isPermanent == true && privileged?.description.contains("privileged") == true)
        let mount = try refusal { $0.containers[0].volumeMounts[0].name = "none" }
        #expect(mount?.description.contains("there is no volume 'none'") == true)
    }

    @Test("A command inside has the container's rights, and neither its root nor its init")
    func inside() throws {
        let plan = try plan { spec in
            spec.containers[0].securityContext.runAsUser = 7
            spec.containers[0].securityContext.capabilities = CapabilityChanges(add: ["NET_RAW"], drop: ["ALL"])
        }
        let container = plan.pod.spec.containers[0]
        let own = try plan.launch(of: container)
        let inside = try plan.launch(["/bin/true"], in: container, joining: [])
        #expect(own.capabilities == [.netRaw] && inside.capabilities == own.capabilities)
        #expect(inside.identity == own.identity && inside.identity?.uid == 7)
        #expect(inside.seccomp == own.seccomp && inside.seccomp != nil)
        #expect(inside.noNewPrivileges && inside.ambientCapabilities == [.netRaw])
        #expect(inside.root == nil && inside.user == nil && !inside.reaper && inside.namespaces == [])
    }
}
