// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
internal import PodLaunching

extension LinuxPodRuntime {
    /// A container's log, as fast as it is read. It is there after the pod has ended, too.
    public func log(
        of container: String, in pod: Pod, _ query: LogQuery = LogQuery()
    ) async throws(PodRuntimeError) -> AsyncThrowingStream<[UInt8], any Error> {
        // An eighth more may be there at a time, and what was written since the last look.
        let reach = configuration.logLimit.bytes.addingReportingOverflow(configuration.logLimit.bytes / 4 + (1 << 20))
        let reader = try await logThreads.run { [self] in
            let attempts = try folder.attempts(of: pod, container)
            guard let attempt = query.previous ? attempts.dropLast().last : attempts.last else {
                throw PodRuntimeError(
                    "\(pod): container \(container) has no \(query.previous ? "previous log" : "log")",
                    isPermanent: true)
            }
            return try LogReader(
                folder.log(of: pod, container, attempt), folder.logTimes(of: pod, container, attempt), query,
                reach: reach.overflow ? .max : reach.partialValue, logThreads
            ) { [weak self] in await self?.isRunning(container, attempt, ofPod: pod.uid) ?? false }
        }
        return AsyncThrowingStream { try await reader.next() }
    }

    private func isRunning(_ container: String, _ attempt: Int, ofPod uid: String) -> Bool {
        prepared[uid]?.running[container]?.attempt == attempt
    }

    /// Looks at the logs of what runs, each second as long as the runtime is there.
    nonisolated func attendLogs() {
        Task { [weak self] in
            while let runtime = self {
                await runtime.lookAtLogs()
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func lookAtLogs() async {
        var logs: [WatchedLog] = []
        for entry in prepared.values {
            for (container, process) in entry.running {
                logs.append(folder.watched(entry.plan.pod, container, process.attempt))
            }
        }
        await look(at: logs)
    }

    /// Notes how large logs are now, and gives back what they have too much.
    func look(at logs: [WatchedLog]) async {
        let limit = configuration.logLimit
        _ = try? await threads.run { [folder] in
            // One that cannot be looked at keeps nobody from the others.
            for log in logs { try? folder.look(at: log, limit: limit) }
        }
    }
}

/// The log of an attempt.
struct WatchedLog: Hashable, Sendable {
    /// Where it is, below the folder of a runtime.
    let folder: [String]
    let attempt: Int
    /// The same with the attempt, without what its files' names end with.
    let path: String

    init(folder: [String], attempt: Int) {
        self.folder = folder
        self.attempt = attempt
        path = "\(folder.joined(separator: "/"))/\(attempt)"
    }

    static func == (left: WatchedLog, right: WatchedLog) -> Bool { left.path == right.path }
    func hash(into hasher: inout Hasher) { hasher.combine(path) }
}
