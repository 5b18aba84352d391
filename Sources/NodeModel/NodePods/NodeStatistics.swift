// SPDX-License-Identifier: Apache-2.0

/// What a node and its pods use at one moment, as the kernel counts it. What a host does not count is nil.
public struct NodeStatistics: Hashable, Sendable {
    /// What one control group uses.
    public struct Usage: Hashable, Sendable {
        /// When it was read.
        public var time: Timestamp
        /// Processor time since it was made, in nanoseconds (`cpu.stat` `usage_usec`).
        public var cpuNanoseconds: UInt64?
        /// How often it was throttled, and how long in nanoseconds (`cpu.stat` `nr_throttled`, `throttled_usec`).
        public var throttledPeriods: UInt64?, throttledNanoseconds: UInt64?
        /// `memory.current`, in bytes.
        public var memoryBytes: UInt64?
        /// `memory.current` less `inactive_file`.
        public var workingSetBytes: UInt64?
        /// `anon` of `memory.stat`, in bytes.
        public var anonymousBytes: UInt64?
        /// `pgfault` and `pgmajfault` of `memory.stat`.
        public var pageFaults: UInt64?, majorPageFaults: UInt64?
        /// `memory.swap.current`, in bytes.
        public var swapBytes: UInt64?
        /// `oom_kill` of `memory.events`.
        public var outOfMemoryKills: UInt64?
        /// `pids.current`.
        public var processes: UInt64?
        /// Stall time by resource (`cpu`, `memory`, `io`).
        public var pressure: [String: Pressure] = [:]

        /// Nothing known yet.
        public init(at time: Timestamp) { self.time = time }
    }

    /// Stall time (PSI): some tasks, and all of them.
    public struct Pressure: Hashable, Sendable {
        /// One line.
        public struct Line: Hashable, Sendable {
            /// Per cent of the last 10, 60 and 300 seconds.
            public var average10: Double, average60: Double, average300: Double
            /// In all, in microseconds.
            public var totalMicroseconds: UInt64

            /// A line.
            public init(average10: Double, average60: Double, average300: Double, totalMicroseconds: UInt64) {
                self.average10 = average10
                self.average60 = average60
                self.average300 = average300
                self.totalMicroseconds = totalMicroseconds
            }
        }
        /// Some tasks waited.
        public var some: Line
        /// All of them did; nil where the kernel does not tell.
        public var full: Line?

        /// The two lines.
        public init(some: Line, full: Line?) {
            self.some = some
            self.full = full
        }
    }

    /// What a container uses.
    public struct OfContainer: Hashable, Sendable {
        /// Which.
        public var name: String
        /// Since when it runs.
        public var startTime: Timestamp?
        /// What it uses.
        public var usage: Usage

        /// A container.
        public init(name: String, startTime: Timestamp?, usage: Usage) {
            self.name = name
            self.startTime = startTime
            self.usage = usage
        }
    }

    /// What a pod uses.
    public struct OfPod: Hashable, Sendable {
        /// Which.
        public var namespace: String, name: String, uid: String
        /// Since when it is on the node.
        public var startTime: Timestamp?
        /// All of it.
        public var usage: Usage
        /// Its containers.
        public var containers: [OfContainer] = []

        /// A pod.
        public init(namespace: String, name: String, uid: String, startTime: Timestamp?, usage: Usage) {
            self.namespace = namespace
            self.name = name
            self.uid = uid
            self.startTime = startTime
            self.usage = usage
        }
    }

    /// The name of the node.
    public var nodeName: String
    /// When it was started.
    public var startTime: Timestamp?
    /// All of it.
    public var node: Usage
    /// The memory it has, in bytes.
    public var memoryCapacityBytes: UInt64?
    /// Its pods.
    public var pods: [OfPod] = []

    /// A node.
    public init(nodeName: String, node: Usage) {
        self.nodeName = nodeName
        self.node = node
    }
}
