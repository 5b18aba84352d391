// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Synchronization

@testable import NodeAgent

/// A runtime over a kernel in memory. What the agent's death cuts off is not done, or not told.
struct FakeRuntime: PodRuntime {
    let kernel: FakeKernel
    let life: AgentLife
    let ends: AsyncStream<ContainerEnd>

    init(_ kernel: FakeKernel, _ life: AgentLife) {
        self.kernel = kernel
        self.life = life
        let (stream, continuation) = AsyncStream<ContainerEnd>.makeStream()
        ends = stream
        kernel.state.withLock { $0.watcher = (continuation, []) }
    }

    private func perform<Value: Sendable>(
        _ name: String, _ subject: String, _ body: @Sendable (inout FakeKernel.State) -> Value
    ) async throws(PodRuntimeError) -> Value {
        do { try life.act() } catch { throw PodRuntimeError("killed") }
        await Task.yield()
        let failure = kernel.state.withLock { $0.failures["\(name) \(subject)"] ?? $0.failures[name] }
        if let failure { throw failure }
        let value = kernel.state.withLock { state in
            state.operations[name, default: 0] += 1
            return body(&state)
        }
        do { try life.act() } catch { throw PodRuntimeError("killed") }
        return value
    }

    func sightings(besides known: Set<String>) async throws(PodRuntimeError) -> [PodSighting] {
        if life.isDead { throw PodRuntimeError("killed") }
        if let failure = kernel.state.withLock({ $0.failures["sightings"] }) { throw failure }
        return kernel.state.withLock { state in
            state.groups.filter { !known.contains($0.key) }.map { uid, groups in
                PodSighting(
                    uid: uid,
                    containers: groups.mapValues {
                        PodSighting.Container(isPopulated: $0.process != nil, hasRun: $0.hasRun)
                    })
            }
        }
    }

    func adopt(_ pod: Pod, attempts: [String: Int]) async throws(PodRuntimeError) -> [ContainerEnd] {
        try await perform("adopt", pod.uid) { state in
            state.watcher?.watched.insert(pod.uid)
            return (state.groups[pod.uid] ?? [:]).compactMap { name, group in
                guard group.process == nil, let code = group.code else { return nil }
                return ContainerEnd(uid: pod.uid, container: name, attempt: group.attempt, code: code)
            }
        }
    }

    func prepare(_ pod: Pod) async throws(PodRuntimeError) {
        try await perform("prepare", pod.uid) { state in
            state.watcher?.watched.insert(pod.uid)
            state.groups[pod.uid, default: [:]] = state.groups[pod.uid] ?? [:]
        }
    }

    func start(_ container: String, of pod: Pod, attempt: Int) async throws(PodRuntimeError) {
        while kernel.state.withLock({ $0.hanging.contains(container) }) { try? await Task.sleep(for: .milliseconds(5)) }
        try await perform("start", container) { state in
            let spec = (pod.spec.containers + pod.spec.initContainers).first { $0.name == container }
            let process = FakeKernel.Process(
                pod: "\(pod)", uid: pod.uid, container: container, attempt: attempt, command: spec?.command ?? [],
                memory: spec?.resources.limits.memory)
            if state.groups[pod.uid] == nil { state.violations.append("\(process) is started and was not made ready") }
            for other in state.groups.values.flatMap({ $0.values.compactMap(\.process) })
            where other.pod == process.pod && (other.container == process.container || other.uid != process.uid) {
                state.violations.append("\(process) is started beside \(other)")
            }
            state.groups[pod.uid]?[container] = FakeKernel.Group(attempt: attempt, process: process, hasRun: true)
            state.starts.append(process)
            if let code = state.shortLived[container] { FakeKernel.end(&state, pod.uid, container, code) }
        }
    }

    func signal(_ container: String, ofPod uid: String) async throws(PodRuntimeError) {
        try await perform("signal", container) { state in
            if state.stubborn.contains(container) { return }
            FakeKernel.end(&state, uid, container, 143)
        }
    }

    func kill(_ container: String, ofPod uid: String) async throws(PodRuntimeError) {
        try await perform("kill", container) { state in FakeKernel.end(&state, uid, container, 137) }
    }

    func release(_ uid: String) async throws(PodRuntimeError) {
        try await perform("release", uid) { state in
            if state.groups[uid]?.values.contains(where: { $0.process != nil }) == true {
                state.violations.append("\(uid) is released while it runs")
            }
            state.groups[uid] = nil
        }
    }

    func remove(_ uid: String) async throws(PodRuntimeError) {
        try await perform("remove", uid) { state in
            state.groups[uid] = nil
            state.removed.append(uid)
        }
    }

    func ask(_ probe: Probe, of container: String, in pod: Pod) async -> Bool? {
        while !life.isDead {
            if let answer = kernel.state.withLock({ $0.answers[container] }) { return answer }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return nil
    }

    func describe(_ status: inout PodStatus) async {}
}
