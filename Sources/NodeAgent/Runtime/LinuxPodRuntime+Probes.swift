// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import Logging
public import NodeModel
internal import PodLaunching

extension LinuxPodRuntime {
    /// Asks a probe; nil when it could not be asked, as one over TLS or gRPC. An address is reached from inside the pod's
    /// network namespace.
    public func ask(_ probe: Probe, of container: String, in pod: Pod) async -> Bool? {
        guard let prepared = prepared[pod.uid], let process = prepared.running[container] else { return nil }
        switch probe.action {
        case .exec(let words):
            return await run(words, within: probe.timeout, in: container, process, prepared.plan)
        case .tcpSocket(let port, let host):
            let network = prepared.namespaces.network
            do {
                let connection = try await ProbeConnection(
                    to: port, host: host, in: network, before: .now + probe.timeout, threads)
                return connection != nil
            } catch { return nil }
        case .httpGet(let request):
            guard request.isPlain else { return nil }
            let network = prepared.namespaces.network
            do {
                guard
                    let connection = try await ProbeConnection(
                        to: request.port, host: request.host, in: network, before: .now + probe.timeout, threads)
                else { return false }
                return (200..<400).contains(await connection.status(of: request) ?? 0)
            } catch { return nil }
        case .grpc: return nil
        }
    }

    /// Whether a command inside ends well and in time. Whatever the container does, the answer does not come later.
    private func run(
        _ words: [String], within time: Duration, in container: String, _ process: ContainerProcess, _ plan: PodLaunch
    ) async -> Bool? {
        let (answers, answer) = AsyncStream<Bool?>.makeStream()
        let running = Task {
            answer.yield(await self.answer(of: words, in: container, process, plan))
            answer.finish()
        }
        let limit = Task {
            try await Task.sleep(for: time)
            answer.yield(false)
        }
        defer {
            running.cancel()
            limit.cancel()
        }
        for await answer in answers { return answer }
        return nil
    }

    private func answer(
        of words: [String], in container: String, _ process: ContainerProcess, _ plan: PodLaunch
    ) async -> Bool? {
        // What is held up in there holds up its probes, and that is an answer.
        if isCrowded(plan.pod.uid) { return false }
        let started: Handover<Child>
        do throws(PodRuntimeError) {
            started = try await join(words, container, process, plan) { launch in
                launch.streams = Streams(input: .null, output: .null, error: .null)
            }
        } catch {
            // What cannot be executed is an answer.
            if error.isOfCommand { return false }
            logger.debug("a probe of container \(container) of \(plan.pod) could not be asked: \(error)")
            return nil
        }
        guard let child = started.take() else { return nil }
        let isInTime = try? await child.hasEnded(within: .seconds(1 << 20))
        if isInTime == true, !Task.isCancelled { return try? await child.ended().status.shellCode == 0 }
        Self.dismiss(child)
        return nil
    }

    /// Kills a command, and waits for its end where nobody else waits: in the kernel it may hang for as long as it likes.
    private nonisolated static func dismiss(_ child: consuming Child) {
        _ = try? ProcessCall.send(signal: 9, to: child.process)
        let left = Handover(child)
        Task { if let child = left.take() { _ = try? await child.ended() } }
    }

    /// How many commands may be on their way into one pod.
    private static let joinsAtATime = 8

    private func isCrowded(_ uid: String) -> Bool { joining[uid, default: 0] >= Self.joinsAtATime }

    /// Starts a command inside a container: in its namespaces and its control group. Comes back when it is executed; a
    /// container that is frozen, or stops whatever is born in it, keeps only its own commands waiting.
    func join(
        _ words: [String], _ container: String, _ process: ContainerProcess, _ plan: PodLaunch,
        _ change: @escaping @Sendable (inout Launch) -> Void
    ) async throws(PodRuntimeError) -> Handover<Child> {
        let uid = plan.pod.uid
        if isCrowded(uid) {
            throw PodRuntimeError("\(plan.pod): container \(container): commands before this one have not begun yet")
        }
        joining[uid, default: 0] += 1
        defer {
            joining[uid, default: 1] -= 1
            if joining[uid] == 0 { joining[uid] = nil }
        }
        return try await joinThreads.run { [self] in
            do { return try join(words, container, process, plan, change) } catch let error as LaunchError {
                throw PodRuntimeError(
                    "\(plan.pod): container \(container): \(error)", isOfCommand: error.step == .execute)
            }
        }
    }

    private nonisolated func join(
        _ words: [String], _ container: String, _ process: ContainerProcess, _ plan: PodLaunch,
        _ change: (inout Launch) -> Void
    ) throws -> Handover<Child> {
        let all = plan.pod.spec.initContainers + plan.pod.spec.containers
        guard let wanted = all.first(where: { $0.name == container }) else {
            throw PodRuntimeError("\(plan.pod): there is no container \(container)", isPermanent: true)
        }
        var launch = try plan.launch(words, in: wanted, joining: try process.allNamespaces(of: plan))
        change(&launch)
        let child = try cgroups.withContainer(container, ofPod: plan.pod.uid) { cgroup in
            if try cgroup.read(.events)?.frozen == true {
                throw PodRuntimeError("\(plan.pod): container \(container) is frozen")
            }
            return Handover(try launch.start(in: cgroup))
        }
        guard let child else { throw PodRuntimeError("\(plan.pod): container \(container) does not run") }
        return child
    }
}
