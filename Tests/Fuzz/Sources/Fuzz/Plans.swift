// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests

/// A manifest gives pods or an error that has a place; pods give a plan in which no cgroup has less protection than its
/// children together.
func checkManifest(_ text: String) {
    let pods: [Pod]
    do {
        let manifest = try PodManifest(parsing: text, file: "f")
        require(manifest.places.count == manifest.pods.count, "a pod without a place")
        pods = manifest.pods
    } catch {
        require(!error.reason.isEmpty && error.description.hasPrefix("f"), "an error without a place: \(error)")
        return
    }
    var node = Node(capacity: NodeResources(memory: .gibibytes(8), milliCPU: 4000))
    node.hugePageSizes = [.mebibytes(2), .gibibytes(1)]
    for policy in MemoryReservationPolicy.allCases {
        for driver in CgroupDriver.allCases {
            for headroom in [nil, MinHeadroom.percent(10), .bytes(.mebibytes(1))] {
                node.layout = PodCgroupLayout(driver: driver)
                node.minHeadroom = headroom
                if let plan = try? MemoryPlan(node: node, pods: pods, policy: policy) { checkPlan(plan) }
            }
        }
    }
}

func checkPlan(_ plan: MemoryPlan) {
    var sums: [CgroupPath: [String: ByteCount]] = [:]
    let files = ["memory.min", "memory.low"]
    for cgroup in plan.cgroups {
        require(plan[cgroup.path] == cgroup && plan[cgroup.role] == cgroup, "\(cgroup.path) is not found")
        guard let parent = cgroup.path.parent else { continue }
        for file in files { sums[parent, default: [:]][file, default: .zero] += value(cgroup, file) }
    }
    for cgroup in plan.cgroups {
        // A class has the one, and its pods only that one; Guaranteed pods have the root for their parent.
        for file in files {
            let sum = sums[cgroup.path]?[file] ?? .zero
            require(sum <= value(cgroup, file), "\(cgroup.path): \(file) is less than \(sum): \(plan)")
        }
    }
}

private func value(_ cgroup: PlannedCgroup, _ file: String) -> ByteCount {
    cgroup[file].flatMap { try? ByteCount(parsing: $0) } ?? .zero
}

/// A kubelet's configuration gives a node that can be planned for, or an error that has a place.
func checkKubeletConfiguration(_ text: String) {
    do {
        let configuration = try KubeletConfiguration(parsing: text, file: "f")
        var node = Node(capacity: NodeResources(memory: .gibibytes(8), milliCPU: 4000))
        let policy = configuration.configure(&node)
        let totals = PodTotals(guaranteed: .max, burstable: .gibibytes(1), burstableMilliCPU: .max, pods: .max)
        if let plan = try? MemoryPlan(node: node, pods: [], policy: policy, present: totals + totals) {
            checkPlan(plan)
        }
    } catch {
        require(!error.reason.isEmpty && error.description.hasPrefix("f"), "an error without a place: \(error)")
    }
}
