// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// How far a pod is.
struct PodStatusObject: Codable {
    struct Condition: Codable {
        var type: String
        var status: String
    }
    struct Waiting: Codable {
        var reason: String
        var message: String?
    }
    struct Running: Codable {
        var startedAt: String
    }
    struct Terminated: Codable {
        var exitCode: Int32
        var reason: String
        var finishedAt: String
    }
    /// One of the three.
    struct State: Codable {
        var waiting: Waiting?
        var running: Running?
        var terminated: Terminated?
    }
    struct Container: Codable {
        var name: String
        var state: State
        var ready: Bool
        var started: Bool
        var restartCount: Int
        var image: String

        init(_ container: PodStatus.Container, image: String) {
            name = container.name
            ready = container.isReady
            started = container.hasStarted
            restartCount = container.restartCount
            self.image = image
            state = State(container)
        }
    }

    var phase: String
    var conditions: [Condition]
    var message: String?
    var startTime: String?
    var initContainerStatuses: [Container]?
    var containerStatuses: [Container]
    var qosClass: String

    init(_ status: PodStatus) {
        phase = status.phase.rawValue
        let areInitialized = status.initContainers.allSatisfy { container in
            if case .ended(_, code: 0) = container.state { true } else { container.hasStarted }
        }
        let areReady = status.containers.allSatisfy(\.isReady)
        conditions = [("Initialized", areInitialized), ("Ready", status.isReady), ("ContainersReady", areReady)]
            .map { Condition(type: $0.0, status: $0.1 ? "True" : "False") }
        message = status.reason
        startTime = status.startTime?.wholeSeconds
        let images = Dictionary(
            (status.pod.spec.initContainers + status.pod.spec.containers).map { ($0.name, $0.image) }
        ) { $1 }
        let initial = status.initContainers.map { Container($0, image: images[$0.name] ?? "") }
        initContainerStatuses = initial.isEmpty ? nil : initial
        containerStatuses = status.containers.map { Container($0, image: images[$0.name] ?? "") }
        qosClass = status.pod.qosClass.rawValue
    }
}

extension PodStatusObject.State {
    init(_ container: PodStatus.Container) {
        switch container.state {
        case .waiting:
            let reason = container.reason == nil ? "ContainerCreating" : "CreateContainerError"
            waiting = PodStatusObject.Waiting(reason: reason, message: container.reason)
        case .running(let since), .stopping(let since, _):
            running = PodStatusObject.Running(startedAt: since.wholeSeconds)
        case .ended(let time, let code):
            terminated = PodStatusObject.Terminated(
                exitCode: code, reason: code == 0 ? "Completed" : "Error", finishedAt: time.wholeSeconds)
        }
    }
}
