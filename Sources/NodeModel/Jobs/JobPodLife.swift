// SPDX-License-Identifier: Apache-2.0

extension Job {
    /// The pod to be made for a decision: the template, and in an Indexed Job the index as host name and in the
    /// environment of each container. A variable of that name which is there already stays.
    ///
    /// Source: kubernetes, pkg/controller/job/indexed_job_utils.go.
    /// - Parameters:
    ///   - creation: what was decided.
    ///   - uid: the uid of the pod, which no other has.
    public func pod(_ creation: JobDecision.Creation, uid: String) -> Pod {
        var pod = Pod(namespace: namespace, name: creation.name, uid: uid, spec: spec.template.spec)
        guard let index = creation.index else { return pod }
        let variable = EnvironmentVariable(name: "JOB_COMPLETION_INDEX", value: "\(index)")
        for list in [\PodSpec.containers, \.initContainers] {
            for container in pod.spec[keyPath: list].indices {
                let known = pod.spec[keyPath: list][container].env
                if known.contains(where: { $0.name == variable.name }) { continue }
                pod.spec[keyPath: list][container].env = known + [variable]
            }
        }
        pod.spec.hostname = "\(name)-\(index)"
        return pod
    }
}

extension JobPod {
    /// What a Job is to know of a pod that lives.
    /// - Parameters:
    ///   - creation: what it was made for.
    ///   - uid: its uid.
    ///   - life: its life.
    ///   - isReleased: whether the Job let go of it.
    public init(_ creation: JobDecision.Creation, uid: String, life: PodLife, isReleased: Bool = false) {
        let all = life.initContainers + life.containers
        let ends = all.compactMap { container -> (exit: Exit, time: Timestamp)? in
            guard case .ended(let time, let code) = container.state else { return nil }
            return (Exit(container: container.name, code: code), time)
        }
        self.init(
            name: creation.name, uid: uid, serial: creation.serial, index: creation.index, phase: life.phase,
            isReady: life.isReady, isTerminating: life.killTime != nil, isReleased: isReleased,
            restarts: Int32(clamping: all.reduce(0) { $0 + $1.restartCount }),
            finishedAt: life.hasEnded ? ends.map(\.time).max() : nil, exits: ends.map(\.exit))
    }
}
