// SPDX-License-Identifier: Apache-2.0

/// Which pod of a node has which block of host ids, by the kubelet's rules (KEP-127): a value that knows no files.
///
/// A block is 65,536 ids or a multiple. The host's first block is never given away, nor the one with 4294967295, which is
/// no id. Where the kubelet's own choice of a block is random from a random start, so is this.
public struct PodIDRanges: Hashable, Sendable {
    /// The ids that are the node's to give to pods.
    public let range: IDRange
    /// The ids of one pod.
    public let idsPerPod: UInt32
    /// The first id of each pod that has a block, by the pod's uid.
    public private(set) var pods: [String: UInt32] = [:]
    private var holders: [UInt32: String] = [:]

    /// The ids of one pod unless `userNamespaces.idsPerPod` says otherwise.
    public static let defaultIDsPerPod: UInt32 = IDRangePool.blockSize

    /// All ids but the host's first block: the kubelet's range when nothing is set aside for it.
    public static let defaultRange = IDRange(first: 65_536, count: 4_294_901_760)

    /// A node without pods. Refuses what keeps a kubelet from starting, checked in its order.
    public init(
        range: IDRange = defaultRange, idsPerPod: UInt32 = defaultIDsPerPod, maxPods: Int
    ) throws(PodIDRangeError) {
        let block = IDRangePool.blockSize
        if idsPerPod == 0 || !idsPerPod.isMultiple(of: block) { throw .wrongIDsPerPod(idsPerPod) }
        if !range.first.isMultiple(of: block) { throw .firstNotMultiple(range.first) }
        if range.first < block { throw .hostBlock }
        if !range.count.isMultiple(of: block) { throw .countNotMultiple(range.count) }
        if range.end > 1 << 32 { throw .beyondLastID(range) }
        self.range = range
        self.idsPerPod = idsPerPod
        // The block that reaches 4294967295 counts for the kubelet, though the kernel refuses it.
        let blocks = Int(range.count / idsPerPod)
        if blocks < maxPods { throw .tooFewBlocks(blocks, maxPods: maxPods) }
    }

    /// How many pods can have a block.
    public var capacity: Int {
        let blocks = Int(range.count / idsPerPod)
        return blocks > 0 && block(blocks - 1).end > UInt64(UInt32.max) ? blocks - 1 : blocks
    }

    /// The block at a position.
    private func block(_ position: Int) -> IDRange {
        IDRange(first: range.first + UInt32(position) * idsPerPod, count: idsPerPod)
    }

    /// The block of a pod; nil when it has none.
    public func block(of pod: String) -> IDRange? {
        pods[pod].map { IDRange(first: $0, count: idsPerPod) }
    }

    /// The blocks that pods have, for an ``IDRangePool`` that is to leave them alone.
    public var ranges: [ClosedRange<UInt32>] { pods.values.sorted().map { $0...($0 + (idsPerPod - 1)) } }

    /// Whether an id is the host's or in a block that a pod has.
    public func isTaken(_ id: UInt32) -> Bool {
        if id < IDRangePool.blockSize { return true }
        guard range.contains(id) else { return false }
        return holders[id - (id - range.first) % idsPerPod] != nil
    }
}

// MARK: - Giving and taking

extension PodIDRanges {
    /// Gives a pod a block: the one it has, or a free one.
    ///
    /// - Parameters:
    ///   - pod: the pod's uid.
    ///   - position: where to begin to look; at random unless given.
    ///   - isUsable: refuses blocks that others hold by other means.
    public mutating func allocate(
        _ pod: String, from position: Int? = nil, where isUsable: (IDRange) -> Bool = { _ in true }
    ) throws(PodIDRangeError) -> IDRange {
        if let present = block(of: pod) { return present }
        let capacity = capacity
        let start = position ?? (capacity > 0 ? Int.random(in: 0..<capacity) : 0)
        for offset in 0..<capacity {
            let candidate = block((start + offset) % capacity)
            guard holders[candidate.first] == nil, isUsable(candidate) else { continue }
            hold(candidate.first, pod)
            return candidate
        }
        throw .exhausted(capacity, idsPerPod: idsPerPod)
    }

    /// Takes note of a block that a pod has already, as after a restart. The same once more is no error.
    public mutating func record(_ pod: String, _ block: IDRange) throws(PodIDRangeError) {
        if block.count != idsPerPod { throw .wrongLength(block, pod: pod, idsPerPod: idsPerPod) }
        if !block.first.isMultiple(of: IDRangePool.blockSize) { throw .notAligned(block, pod: pod) }
        if let present = self.block(of: pod), present != block { throw .differs(block, present, pod: pod) }
        guard block.first >= range.first, block.end <= range.end, block.end <= UInt64(UInt32.max),
            (block.first - range.first).isMultiple(of: idsPerPod)
        else { throw .outOfRange(block, pod: pod, range) }
        if let other = holders[block.first], other != pod { throw .taken(block, pod: pod, by: other) }
        hold(block.first, pod)
    }

    /// Takes a pod's block back; false when it has none.
    @discardableResult
    public mutating func release(_ pod: String) -> Bool {
        guard let first = pods.removeValue(forKey: pod) else { return false }
        holders[first] = nil
        return true
    }

    /// The pods whose block is to be taken back: those without a directory on disk, even if they run, and those that
    /// nobody knows or runs.
    public func orphans(onDisk: Set<String>, known: Set<String>, running: Set<String>) -> [String] {
        pods.keys.filter { pod in
            !onDisk.contains(pod) || (!known.contains(pod) && !running.contains(pod))
        }.sorted()
    }

    private mutating func hold(_ first: UInt32, _ pod: String) {
        pods[pod] = first
        holders[first] = pod
    }
}
