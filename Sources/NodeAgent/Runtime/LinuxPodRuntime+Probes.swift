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

    /// Whether a command inside ends well and in time.
    private func run(
        _ words: [String], within time: Duration, in container: String, _ process: ContainerProcess, _ plan: PodLaunch
    ) async -> Bool? {
        do {
            let started = try await threads.run { [self] () throws -> Handover<Child>? in
                do {
                    return try join(words, container, process, plan) { launch in
                        launch.streams = Streams(input: .null, output: .null, error: .null)
                    }
                } catch let error as LaunchError where error.step == .execute {
                    // What cannot be executed is an answer.
                    return nil
                }
            }
            guard let child = started?.take() else { return false }
            // Dropped when it takes longer, and so killed.
            guard try await child.hasEnded(within: time) else { return false }
            return try await child.ended().status.shellCode == 0
        } catch {
            logger.debug("a probe of container \(container) of \(plan.pod) could not be asked: \(error)")
            return nil
        }
    }

    /// Starts a command inside a container: in its namespaces and its control group. Blocks until it is executed.
    nonisolated func join(
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
            Handover(try launch.start(in: cgroup))
        }
        guard let child else { throw PodRuntimeError("\(plan.pod): container \(container) does not run") }
        return child
    }
}
