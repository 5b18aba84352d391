// SPDX-License-Identifier: Apache-2.0

extension JobSync {
    /// How many pods one look makes or stops at most.
    private static let limit = 500

    /// Stops pods that are too many, or makes those that are missing; not both in one look.
    mutating func manage() {
        if spec.suspend { return stop(activePods, isReleased: true) }
        let active = Int(status.active)
        let wanted = wantedActive
        let surplus = Array(removable(atLeast: max(0, active - wanted)).prefix(Self.limit))
        if !surplus.isEmpty { return stop(surplus, isReleased: true) }

        let held = spec.podReplacementPolicy == .failed ? Int(status.terminating) : 0
        let missing = wanted - held - active
        guard missing > 0 else { return }
        if let end = backoffEnd, end > now { return lookAgain(at: end) }
        make(min(missing, Self.limit))
    }

    /// Stops pods.
    mutating func stop(_ pods: [JobPod], isReleased: Bool) {
        decision.delete += pods.map { JobDecision.Deletion(uid: $0.uid, isReleased: isReleased) }
        status.active -= Int32(pods.count)
        status.ready -= Int32(pods.count { $0.isReady })
        status.terminating += Int32(pods.count)
    }

    private var wantedActive: Int {
        guard let completions = spec.completions else {
            // After the first success those that run are left to end, and none is added.
            return status.succeeded > 0 ? Int(status.active) : Int(spec.parallelism)
        }
        return max(0, min(Int(completions) - Int(status.succeeded), Int(spec.parallelism)))
    }

    /// Pods in the order in which they are stopped: the least advanced first.
    private func removable(atLeast count: Int) -> [JobPod] {
        let ordered = activePods.sorted { isLess($0, $1) }
        guard isIndexed else { return Array(ordered.prefix(count)) }
        // Of two pods of one index, only the most advanced stays; so does none without a valid index.
        var kept: [JobPod] = []
        var removed: [JobPod] = []
        var seen: Set<Int32> = []
        for pod in ordered.reversed() {
            if isValid(pod), let index = pod.index, seen.insert(index).inserted {
                kept.insert(pod, at: 0)
            } else {
                removed.append(pod)
            }
        }
        return removed + kept.prefix(max(0, count - removed.count))
    }

    /// Pending before running, not ready before ready, often restarted before seldom, younger before older.
    private func isLess(_ left: JobPod, _ right: JobPod) -> Bool {
        let (one, other) = (Self.rank(left.phase), Self.rank(right.phase))
        if one != other { return one < other }
        if left.isReady != right.isReady { return right.isReady }
        if left.restarts != right.restarts { return left.restarts > right.restarts }
        return left.serial > right.serial
    }

    private static func rank(_ phase: PodPhase) -> Int {
        switch phase {
        case .pending: 0
        case .unknown: 1
        default: 2
        }
    }

    private mutating func make(_ count: Int) {
        var serial = pods.reduce(status.lastSerial) { max($0, $1.serial) }
        var indexes: [Int32?] = Array(repeating: nil, count: count)
        if isIndexed {
            // While an index waits for its old pod to end, it is not missing.
            let held = pods.filter { $0.isActive || spec.podReplacementPolicy == .failed && !$0.hasEnded }
            indexes = status.completedIndexes.missing(
                count, below: spec.completions ?? 0, excluding: Set(held.compactMap(\.index)))
        }
        for index in indexes {
            serial += 1
            let name = index.map { "\(job.name)-\($0)-\(serial)" } ?? "\(job.name)-\(serial)"
            decision.create.append(JobDecision.Creation(name: name, serial: serial, index: index))
        }
        status.lastSerial = serial
        status.active += Int32(indexes.count)
    }
}
