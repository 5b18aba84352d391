// SPDX-License-Identifier: Apache-2.0

/// The containers of a pod in their order, from the first init container to the last end.
///
/// Init containers run one after the other, each to its success; a sidecar only has to have started before the next one.
/// Then all containers run. When they have ended, the sidecars are stopped, the last one first.
///
/// Source: kubernetes, pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodActions), pkg/kubelet/kubelet_pods.go
/// (getPhase); KEP-753.
public struct PodLife: Hashable, Sendable {
    /// What the pod is.
    public let spec: PodSpec
    /// The init containers, in order.
    public private(set) var initContainers: [ContainerLife]
    /// The containers, in order.
    public private(set) var containers: [ContainerLife]
    /// When everything that still runs is killed; nil as long as nobody asked the pod to end.
    public private(set) var killTime: Timestamp?

    /// A pod of which nothing was started yet.
    /// - Parameters:
    ///   - spec: what it is.
    ///   - backoff: how long its containers wait before they are started again.
    public init(_ spec: PodSpec, backoff: CrashLoopBackoff = CrashLoopBackoff()) {
        self.spec = spec
        let grace = Duration.seconds(Int64(spec.terminationGracePeriodSeconds))
        initContainers = spec.initContainers.map {
            ContainerLife(
                $0, restartPolicy: ContainerLife.initPolicy(of: $0, in: spec), gracePeriod: grace, backoff: backoff)
        }
        containers = spec.containers.map {
            ContainerLife($0, restartPolicy: spec.restartPolicy, gracePeriod: grace, backoff: backoff)
        }
    }

    /// A container by its name.
    public subscript(_ name: String) -> ContainerLife? {
        (initContainers + containers).first { $0.name == name }
    }

    /// Tells a container something: `pod.tell("web") { $0.started(at: now) }`.
    public mutating func tell(_ name: String, _ change: (inout ContainerLife) -> Void) {
        if let index = initContainers.firstIndex(where: { $0.name == name }) {
            change(&initContainers[index])
        } else if let index = containers.firstIndex(where: { $0.name == name }) {
            change(&containers[index])
        }
    }

    /// The pod is to end.
    /// - Parameters:
    ///   - now: the time.
    ///   - gracePeriod: how long it has; nil for what its spec says. Asked again, the shorter one counts.
    public mutating func stop(at now: Timestamp, gracePeriod: Duration? = nil) {
        let grace = gracePeriod ?? .seconds(Int64(spec.terminationGracePeriodSeconds))
        killTime = min(killTime ?? now + grace, now + grace)
        advance(at: now)
    }

    /// Lets the pod go on: what follows from what happened is asked of the containers. To be called before
    /// ``steps(at:)``.
    public mutating func advance(at now: Timestamp) {
        let left = killTime.map { max(.zero, $0 - now) }
        if let left {
            for index in containers.indices { containers[index].stop(at: now, gracePeriod: left) }
            for index in initContainers.indices where !isSidecar(index) {
                initContainers[index].stop(at: now, gracePeriod: left)
            }
        }
        guard left != nil || hasInitFailed || containers.allSatisfy(\.isFinished) else { return }
        // Sidecars serve the others to their end, and each the ones before it.
        if (containers + initContainers.indices.filter { !isSidecar($0) }.map { initContainers[$0] }).contains(
            where: \.isRunning)
        {
            return
        }
        for index in initContainers.indices.reversed() where isSidecar(index) {
            initContainers[index].stop(at: now, gracePeriod: left)
            if initContainers[index].isRunning { return }
        }
        if hasInitFailed { for index in containers.indices { containers[index].stop(at: now) } }
    }

    private func isSidecar(_ index: Int) -> Bool { spec.initContainers[index].isSidecar }

    /// Whether an init container ended badly for good.
    private var hasInitFailed: Bool {
        initContainers.indices.contains { index in
            !isSidecar(index) && initContainers[index].isFinished && !initContainers[index].hasSucceeded
                && initContainers[index].state != .waiting
        }
    }

    /// Whether the containers may run: every init container is done, every sidecar has started.
    public var isInitialized: Bool { firstUndone == initContainers.count }

    /// The first init container that the next one waits for.
    private var firstUndone: Int {
        initContainers.indices.first { index in
            isSidecar(index) ? !initContainers[index].probes.hasStarted : !initContainers[index].hasSucceeded
        } ?? initContainers.count
    }

    /// What is to be done now, by container; those with nothing to do are left out.
    public func steps(at now: Timestamp) -> [(container: String, step: ContainerLife.Step)] {
        var found: [(String, ContainerLife.Step)] = []
        // One that was started once goes on whatever became of those before it.
        let isBegun = containers.contains { $0.state != .waiting && !$0.isFinished }
        let turn = isBegun ? initContainers.count : firstUndone
        for (index, life) in initContainers.enumerated() where index <= turn || life.state != .waiting {
            if turn == initContainers.count, !isSidecar(index) { continue }
            found.append((life.name, life.step(at: now)))
        }
        if turn == initContainers.count { found += containers.map { ($0.name, $0.step(at: now)) } }
        return found.filter { $0.1 != .nothing }
    }

    /// When to look again although nothing happens; nil for no need.
    public func nextTime(after now: Timestamp) -> Timestamp? {
        steps(at: now).compactMap { _, step in if case .wait(let until?) = step { until } else { nil } }.min()
    }

    /// Whether all containers are ready.
    public var isReady: Bool { isInitialized && containers.allSatisfy { $0.isRunning && $0.probes.isReady } }

    /// Whether nothing runs and nothing will be started.
    public var hasEnded: Bool {
        (containers + initContainers).allSatisfy { !$0.isRunning }
            && (containers.allSatisfy(\.isFinished) || hasInitFailed)
    }

    /// How far the pod is.
    public var phase: PodPhase {
        if hasEnded { return containers.allSatisfy(\.hasSucceeded) ? .succeeded : .failed }
        let isPending = containers.contains { $0.state == .waiting }
        return isPending && !containers.contains { $0.isRunning } ? .pending : .running
    }
}
