// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// One more pod beside those that are there: however many they are, it should cost the same.
extension BenchSession {
    borrowing func measurePods(_ report: inout BenchReport) throws {
        let first = BenchResult.Group(bench: "cgroup", fileSystem: nil, files: nil, task: "one more pod")
        let host = CgroupHost.probe()
        if let reason = host.absence ?? host.unavailability(of: "memory").map({ "the memory controller is \($0)" }) {
            report.omissions.append(BenchOmission(group: first, method: "apply", reason: reason))
            return
        }
        report.notes["pods"] = [
            "one more pod: PodTree.apply of a Burstable pod with one container, under the lock and with every value read "
                + "back; read and write calls as the kernel counts them (/proc/thread-self/io)",
            "the pods that are there come in applies of 500; 'plan' is the values of all of them as one computation",
        ]
        let pods = try BenchPods()
        do {
            for count in request.pods.sorted() {
                try grow(pods, to: count, &report)
                try addAndDelete(pods, &report)
                try plan(pods, count, &report)
            }
        } catch {
            try? pods.remove()
            throw error
        }
        var group = first
        group.pods = pods.there
        group.task = "removing all pods"
        try step("cgroup: removing \(pods.there) pods")
        let removal = try secondsTaken { try pods.remove() }
        report.add(group, "delete and release", BenchSamples([removal]))
    }

    private borrowing func grow(_ pods: BenchPods, to count: Int, _ report: inout BenchReport) throws {
        let group = BenchResult.Group(
            bench: "cgroup", fileSystem: nil, files: nil, task: "applying the first pods", pods: pods.there)
        let before = pods.there
        var seconds = 0.0
        while pods.there < count {
            try step("cgroup: \(pods.there) of \(count) pods")
            let some = try (pods.there..<min(count, pods.there + 500)).map { try pods.pod($0) }
            seconds += try secondsTaken { _ = try pods.apply(some) }
            pods.there += some.count
        }
        if pods.there > before {
            report.add(group, "apply", BenchSamples([seconds]), counts: ["pods": pods.there - before])
        }
    }

    private borrowing func addAndDelete(_ pods: BenchPods, _ report: inout BenchReport) throws {
        let group = BenchResult.Group(
            bench: "cgroup", fileSystem: nil, files: nil, task: "one more pod", pods: pods.there)
        let pod = try pods.pod(pods.there)
        var (adding, again, deleting) = (BenchSamples(), BenchSamples(), BenchSamples())
        var counts: [[String: Int]] = []
        let end = ContinuousClock.now + .seconds(30)
        for round in 0..<max(3, request.runs) where round < 3 || .now < end {
            try step("cgroup: one more pod beside \(pods.there), round \(round + 1)")
            let before = ThreadCalls.now
            var outcome: PodTreeOutcome?
            adding.add(try secondsTaken { outcome = try pods.apply([pod]) })
            let steps = outcome?.plan.steps ?? []
            var count = before.counts(until: ThreadCalls.now)
            count["values"] = steps.count { if case .write = $0 { true } else { false } }
            count["cgroups made"] = steps.count { if case .make = $0 { true } else { false } }
            counts.append(count)
            again.add(try secondsTaken { _ = try pods.apply([pod]) })
            deleting.add(try secondsTaken { try pods.delete([pod.uid]) })
        }
        // The most of any round, so that nothing is hidden.
        let most = counts.reduce(into: [String: Int]()) { $0.merge($1) { max($0, $1) } }
        report.add(group, "apply", adding, counts: most)
        report.add(group, "apply what is there", again)
        report.add(group, "delete", deleting)
    }

    private borrowing func plan(_ pods: BenchPods, _ count: Int, _ report: inout BenchReport) throws {
        let group = BenchResult.Group(
            bench: "cgroup", fileSystem: nil, files: nil, task: "computing a plan of all", pods: count)
        let all = try (0..<count).map { try pods.pod($0) }
        var samples = BenchSamples()
        var values = 0
        for _ in 0..<3 {
            samples.add(
                try secondsTaken {
                    let plan = try MemoryPlan(node: pods.node, pods: all, policy: .tieredReservation)
                    values = plan.cgroups.reduce(0) { $0 + $1.files.count }
                })
        }
        report.add(group, "plan", samples, counts: ["values": values])
    }
}

/// Pods of one container each, in a tree of the benchmark's own.
final class BenchPods {
    let node: Node
    private let tree: PodTree
    var there = 0

    init() throws {
        let name = "bulkhead-bench-\(processID)-pods"
        // A quantum of protection for each: what they claim together is far below what any machine has.
        node = Node(
            capacity: NodeResources(memory: .mebibytes(1 << 20), milliCPU: 1_000_000),
            layout: PodCgroupLayout(root: try CgroupName([name])))
        do { tree = try PodTree(layout: node.layout) } catch { throw ToolFailure(error) }
    }

    func pod(_ number: Int) throws -> Pod {
        var resources = ResourceRequirements()
        resources.requests["memory"] = try Quantity(parsing: "16Ki")
        resources.limits["memory"] = try Quantity(parsing: "1Mi")
        return Pod(
            name: "p\(number)", uid: "uid-\(number)",
            spec: PodSpec(containers: [Container(name: "app", resources: resources)]))
    }

    @discardableResult
    func apply(_ pods: [Pod]) throws -> PodTreeOutcome {
        do { return try tree.apply(pods, on: node, policy: .tieredReservation) } catch { throw ToolFailure(error) }
    }

    func delete(_ uids: [String]) throws {
        do { _ = try tree.delete(uids) } catch { throw ToolFailure(error) }
    }

    /// Takes everything away again.
    func remove() throws {
        do { _ = try tree.release() } catch { throw ToolFailure(error) }
        let root = try Cgroup.root()
        if let name = node.layout.root.components.first { try root.removeChild(name, timeout: .seconds(10)) }
    }
}

/// How often this thread has called read and write, as the kernel counts; nothing where it does not count.
struct ThreadCalls {
    private var numbers: [String: Int] = [:]

    static var now: ThreadCalls {
        var calls = ThreadCalls()
        let text = (try? readKernelFile("/proc/thread-self/io")) ?? ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, let number = Int(words[1]) { calls.numbers[String(words[0])] = number }
        }
        return calls
    }

    /// Between this and a later moment.
    func counts(until later: ThreadCalls) -> [String: Int] {
        var counts: [String: Int] = [:]
        for (key, name) in [("syscw:", "write calls"), ("syscr:", "read calls")] {
            guard let before = numbers[key], let after = later.numbers[key] else { continue }
            // The text is made in the first of the two reads of it, which are counted after that.
            counts[name] = after - before - (key == "syscr:" ? 2 : 0)
        }
        return counts
    }
}
