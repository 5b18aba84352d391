// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// What a node and its pods use, as the kubelet's summary has it (k8s.io/kubelet, pkg/apis/stats/v1alpha1). What the kernel
/// does not count is left out.
struct SummaryObject: Codable {
    struct Node: Codable {
        var nodeName: String
        var startTime: String?
        var cpu: UsageObject.CPU?
        var memory: UsageObject.Memory?
        var io: UsageObject.IO?
        var swap: UsageObject.Swap?
    }
    struct PodReference: Codable {
        var name: String
        var namespace: String
        var uid: String
    }
    struct Container: Codable {
        var name: String
        var startTime: String?
        var cpu: UsageObject.CPU?
        var memory: UsageObject.Memory?
        var io: UsageObject.IO?
        var swap: UsageObject.Swap?
    }
    // The field is named as in the API.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    struct Pod: Codable {
        struct Processes: Codable {
            var process_count: UInt64
        }
        var podRef: PodReference
        var startTime: String?
        var containers: [Container]
        var cpu: UsageObject.CPU?
        var memory: UsageObject.Memory?
        var io: UsageObject.IO?
        var swap: UsageObject.Swap?
        var process_stats: Processes?
    }

    var node: Node
    var pods: [Pod]

    init(_ statistics: NodeStatistics) {
        let usage = UsageObject(statistics.node, capacity: statistics.memoryCapacityBytes)
        node = Node(
            nodeName: statistics.nodeName, startTime: statistics.startTime?.wholeSeconds, cpu: usage.cpu,
            memory: usage.memory, io: usage.io, swap: usage.swap)
        pods = statistics.pods.map(Pod.init)
    }
}

extension SummaryObject.Pod {
    init(_ pod: NodeStatistics.OfPod) {
        let usage = UsageObject(pod.usage)
        podRef = SummaryObject.PodReference(name: pod.name, namespace: pod.namespace, uid: pod.uid)
        startTime = pod.startTime?.wholeSeconds
        containers = pod.containers.map { container in
            let usage = UsageObject(container.usage)
            return SummaryObject.Container(
                name: container.name, startTime: container.startTime?.wholeSeconds, cpu: usage.cpu,
                memory: usage.memory, io: usage.io, swap: usage.swap)
        }
        cpu = usage.cpu
        memory = usage.memory
        io = usage.io
        swap = usage.swap
        process_stats = pod.usage.processes.map(Processes.init)
    }
}

/// The parts that node, pods and containers have in common.
struct UsageObject {
    struct Pressure: Codable {
        struct Line: Codable {
            var total: UInt64
            var avg10: Double
            var avg60: Double
            var avg300: Double
        }
        var full: Line?
        var some: Line
    }
    struct CPU: Codable {
        var time: String
        var usageCoreNanoSeconds: UInt64?
        var psi: Pressure?
    }
    struct Memory: Codable {
        var time: String
        var availableBytes: UInt64?
        var usageBytes: UInt64?
        var workingSetBytes: UInt64?
        var rssBytes: UInt64?
        var pageFaults: UInt64?
        var majorPageFaults: UInt64?
        var psi: Pressure?
    }
    struct IO: Codable {
        var time: String
        var psi: Pressure?
    }
    struct Swap: Codable {
        var time: String
        var swapUsageBytes: UInt64
    }

    var cpu: CPU?
    var memory: Memory?
    var io: IO?
    var swap: Swap?

    init(_ usage: NodeStatistics.Usage, capacity: UInt64? = nil) {
        let time = usage.time.wholeSeconds
        let pressure = usage.pressure.mapValues(Pressure.init)
        if usage.cpuNanoseconds != nil || pressure["cpu"] != nil {
            cpu = CPU(time: time, usageCoreNanoSeconds: usage.cpuNanoseconds, psi: pressure["cpu"])
        }
        if usage.memoryBytes != nil || pressure["memory"] != nil {
            var available: UInt64?
            if let capacity, let used = usage.workingSetBytes { available = capacity - min(capacity, used) }
            memory = Memory(
                time: time, availableBytes: available, usageBytes: usage.memoryBytes,
                workingSetBytes: usage.workingSetBytes, rssBytes: usage.anonymousBytes, pageFaults: usage.pageFaults,
                majorPageFaults: usage.majorPageFaults, psi: pressure["memory"])
        }
        if let psi = pressure["io"] { io = IO(time: time, psi: psi) }
        swap = usage.swapBytes.map { Swap(time: time, swapUsageBytes: $0) }
    }
}

extension UsageObject.Pressure {
    init(_ pressure: NodeStatistics.Pressure) {
        full = pressure.full.map(Line.init)
        some = Line(pressure.some)
    }
}

extension UsageObject.Pressure.Line {
    /// The API has nanoseconds.
    init(_ line: NodeStatistics.Pressure.Line) {
        total = line.totalMicroseconds &* 1000
        avg10 = line.average10
        avg60 = line.average60
        avg300 = line.average300
    }
}
