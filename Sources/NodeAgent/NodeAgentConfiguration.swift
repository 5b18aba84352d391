// SPDX-License-Identifier: Apache-2.0

public import NodeModel
public import SystemPackage

/// How an agent works.
public struct NodeAgentConfiguration: Sendable {
    /// The folder of manifests.
    public var manifests: FilePath
    /// The folder of the agent's records, made with mode 0700 where it is not there.
    public var state: FilePath
    /// How often the folder of manifests is looked at although nothing is told of it (`fileCheckFrequency`).
    public var rescanInterval: Duration
    /// How long changes of manifests are gathered.
    public var quietInterval: Duration
    /// A manifest with more bytes is refused.
    public var manifestSizeLimit: Int
    /// How many pods are made ready and started at a time.
    public var startsAtATime: Int
    /// How long an agent that is to end waits for what is being done to pods.
    public var endLimit: Duration
    /// How long containers wait before they are started again.
    public var backoff: CrashLoopBackoff
    /// What of a Job may be changed.
    public var jobUpdateRules: JobUpdateRules

    /// The defaults are those of the kubelet.
    public init(
        manifests: FilePath, state: FilePath, rescanInterval: Duration = .seconds(20),
        quietInterval: Duration = .milliseconds(100), manifestSizeLimit: Int = 1 << 20, startsAtATime: Int = 8,
        endLimit: Duration = .seconds(5),
        backoff: CrashLoopBackoff = CrashLoopBackoff(), jobUpdateRules: JobUpdateRules = JobUpdateRules()
    ) {
        self.manifests = manifests
        self.state = state
        self.rescanInterval = rescanInterval
        self.quietInterval = quietInterval
        self.manifestSizeLimit = manifestSizeLimit
        self.startsAtATime = startsAtATime
        self.endLimit = endLimit
        self.backoff = backoff
        self.jobUpdateRules = jobUpdateRules
    }
}
