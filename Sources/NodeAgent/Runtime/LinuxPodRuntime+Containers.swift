// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import Logging
public import NodeModel
internal import PodLaunching
internal import UserNamespaces

extension LinuxPodRuntime {
    /// Makes the container's control group anew and starts it there.
    public func start(_ container: String, of pod: Pod, attempt: Int) async throws(PodRuntimeError) {
        guard let prepared = prepared[pod.uid] else {
            throw PodRuntimeError("\(pod): container \(container) cannot start: the pod is not prepared")
        }
        let all = pod.spec.initContainers + pod.spec.containers
        guard let wanted = all.first(where: { $0.name == container }) else {
            throw PodRuntimeError("\(pod): there is no container \(container)", isPermanent: true)
        }
        try await kill(container, ofPod: pod.uid)
        try await treeThread.run { [cgroups] in try cgroups.renew(container, of: pod) }
        let process = try await threads.run { [self] in
            do {
                return try start(wanted, attempt, prepared.plan, in: prepared.namespaces)
            } catch let error as LaunchError {
                throw PodRuntimeError(
                    "\(pod): container \(container): \(error)",
                    isOfCommand: [.execute, .directory, .user].contains(error.step))
            }
        }
        self.prepared[pod.uid]?.running[container] = process
        watch(process, container, ofPod: pod.uid)
    }

    /// Blocks until the command is executed.
    private nonisolated func start(
        _ container: Container, _ attempt: Int, _ plan: PodLaunch, in namespaces: PodNamespaces
    ) throws -> ContainerProcess {
        var launch = try plan.launch(of: container)
        let uid = plan.pod.uid
        let log = try folder.newLog(
            of: plan.pod, container.name, attempt, owner: plan.outside(uid: launch.identity?.uid ?? 0))
        launch.streams = Streams(input: .null, output: .shared(log), error: .shared(log))
        launch.outcome = try folder.newOutcome(uid, container.name, attempt)
        let outcome = try folder.outcome(uid, container.name, attempt)
        let child: Started?
        do {
            child = try cgroups.withContainer(container.name, ofPod: uid) { cgroup in
                Started(try launch.start(in: cgroup, sharing: namespaces.shared))
            }
        } catch {
            // Without it, the next agent knows that nothing was begun.
            try? folder.removeOutcome(uid, container.name, attempt)
            throw error
        }
        guard let started = child else {
            throw PodRuntimeError("\(plan.pod): the control group of container \(container.name) is gone")
        }
        for step in started.passedOver {
            logger.debug("\(plan.pod): container \(container.name) goes without: \(step)")
        }
        return ContainerProcess(
            attempt: attempt, pid: started.pid, process: try started.process.get(), outcome: outcome)
    }

    /// What is kept of a child that lives on by itself.
    private struct Started {
        let pid: Int32
        let process: Result<SharedDescriptor, KernelError>
        let passedOver: [LaunchError]

        init(_ child: consuming Child) {
            pid = child.pid
            passedOver = child.passedOver
            do throws(KernelError) { process = .success(SharedDescriptor(try child.process.duplicate())) } catch {
                // It is killed with this value: nobody could watch it.
                process = .failure(error)
                return
            }
            child.detach()
        }
    }

    /// Tells of the end of a container, when it comes.
    func watch(_ process: ContainerProcess, _ container: String, ofPod uid: String) {
        Task { [weak self, endings] in
            let code = await process.ended()
            await self?.forget(process, container, ofPod: uid)
            endings.yield(ContainerEnd(uid: uid, container: container, attempt: process.attempt, code: code))
        }
    }

    private func forget(_ process: ContainerProcess, _ container: String, ofPod uid: String) async {
        guard let prepared = prepared[uid], prepared.running[container] === process else { return }
        let log = folder.watched(prepared.plan.pod, container, process.attempt)
        await look(at: [log])
        folder.forget(log)
        if self.prepared[uid]?.running[container] === process { self.prepared[uid]?.running[container] = nil }
    }

    /// SIGTERM.
    private static let stopSignal: Int32 = 15

    /// Sends the signal to stop. That nothing runs is no failure.
    public func signal(_ container: String, ofPod uid: String) async throws(PodRuntimeError) {
        let known = prepared[uid]?.running[container]
        try await threads.run { [cgroups, folder] in
            guard try folder.has(uid) else { return }
            if let known { return try known.send(signal: LinuxPodRuntime.stopSignal) }
            // Begun by another agent, and not taken over.
            _ = try cgroups.withContainer(container, ofPod: uid) { cgroup in
                guard let found = try cgroup.containerInit() else { return }
                try ProcessCall.send(signal: LinuxPodRuntime.stopSignal, to: found.process.descriptor)
            }
        }
    }

    /// Kills all that is in the container's control group, and waits until it is empty.
    public func kill(_ container: String, ofPod uid: String) async throws(PodRuntimeError) {
        try await killing("container \(container)", ofPod: uid) { cgroups in
            try cgroups.withContainer(container, ofPod: uid, PodCgroups.kill) ?? true
        }
    }

    /// Kills until nothing is left: a thread of the kernel's may keep a process for a while.
    private func killing(
        _ what: String, ofPod uid: String, _ body: @escaping @Sendable (PodCgroups) throws -> Bool
    ) async throws(PodRuntimeError) {
        let deadline = ContinuousClock.now + configuration.killTimeout
        var pause = Duration.milliseconds(1)
        // Of a pod that somebody else made, nothing is killed.
        while try await !threads.run({ [cgroups, folder] in try !folder.has(uid) || body(cgroups) }) {
            if ContinuousClock.now > deadline {
                throw PodRuntimeError(
                    "\(what) of pod \(uid): its processes have not ended in \(configuration.killTimeout); they may be in an "
                        + "uninterruptible call")
            }
            // A cancelled task waits no shorter for the kernel.
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(100))
        }
    }

    /// Kills what is left of a pod, and removes all of it.
    public func remove(_ uid: String) async throws(PodRuntimeError) {
        try await threads.run { [folder] in try folder.removeLogs(of: uid) }
        try await release(uid)
    }

    /// Removes all of a pod but its logs.
    public func release(_ uid: String) async throws(PodRuntimeError) {
        if let gone = prepared.removeValue(forKey: uid) {
            for (container, process) in gone.running {
                folder.forget(folder.watched(gone.plan.pod, container, process.attempt))
            }
        }
        try await killing("all", ofPod: uid) { cgroups in try cgroups.withPod(uid, PodCgroups.kill) ?? true }
        try await treeThread.run { [cgroups, folder] in if try folder.has(uid) { try cgroups.remove(uid) } }
        try await threads.run { [self] in
            try folder.removeFiles(of: uid)
            try ids.release(uid)
        }
    }
}
