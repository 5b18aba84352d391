// SPDX-License-Identifier: Apache-2.0

/// Pressure stall information: the share of time in which processes waited for a resource. Since Linux 4.20.
public struct Pressure: Hashable, Sendable, StatusValue {
    /// One line.
    public struct Stall: Hashable, Sendable {
        /// Percent of the last 10 seconds.
        public let average10: Double
        /// Percent of the last 60 seconds.
        public let average60: Double
        /// Percent of the last 300 seconds.
        public let average300: Double
        /// Microseconds since the cgroup was made.
        public let total: UInt64
    }

    /// At least one process waited. Nil for `irq.pressure`, which has no such line.
    public let some: Stall?
    /// All of them waited at once. Nil for `cpu.pressure` before Linux 5.13.
    public let full: Stall?

    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        var stalls: [Substring: Stall] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let kind = words.first else { continue }
            var values: [Substring: Substring] = [:]
            for word in words.dropFirst() {
                let parts = word.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { values[parts[0]] = parts[1] }
            }
            guard let ten = values["avg10"].flatMap({ Double($0) }),
                let sixty = values["avg60"].flatMap({ Double($0) }),
                let threeHundred = values["avg300"].flatMap({ Double($0) }),
                let total = values["total"].flatMap({ UInt64(decimal: $0) })
            else { return nil }
            stalls[kind] = Stall(average10: ten, average60: sixty, average300: threeHundred, total: total)
        }
        some = stalls["some"]
        full = stalls["full"]
        if some == nil && full == nil { return nil }
    }
}
