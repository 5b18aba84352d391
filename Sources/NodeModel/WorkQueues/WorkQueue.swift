// SPDX-License-Identifier: Apache-2.0

/// What is to be looked at, each item once and by one worker at a time.
///
/// An item that is added again before it was taken is taken once. One that is added while a worker has it comes again when
/// that worker is done (``done(_:)``): it may have looked before the change. Items that failed come back later.
///
/// Time is what the caller says it is. Source: client-go, util/workqueue, queue.go, delaying_queue.go and
/// rate_limiting_queue.go.
public struct WorkQueue<Item: Hashable & Comparable & Sendable>: Sendable {
    private var ready: [Item] = []
    private var head = 0
    /// Waiting to be taken, in `ready` or as soon as its worker is done.
    private var dirty: Set<Item> = []
    private var underWay: Set<Item> = []
    private var later: [Item: Timestamp] = [:]
    private var heap = TimeHeap<Item>()
    private var backoff: ItemBackoff<Item>
    private var bucket: TokenBucket?

    /// An empty queue.
    /// - Parameters:
    ///   - backoff: how long an item waits after a failure.
    ///   - bucket: what holds the failures of all items together; nil for nothing.
    public init(backoff: ItemBackoff<Item> = ItemBackoff(), bucket: TokenBucket? = TokenBucket()) {
        self.backoff = backoff
        self.bucket = bucket
    }

    /// How many can be taken now; what was due by the time of the last ``next(at:)`` is among them.
    public var count: Int { ready.count - head }

    /// How many come later.
    public var delayed: Int { later.count }

    /// Is to be looked at.
    public mutating func add(_ item: Item) {
        guard dirty.insert(item).inserted, !underWay.contains(item) else { return }
        ready.append(item)
    }

    /// Is to be looked at from a time on; of two times the earlier one counts.
    /// - Parameters:
    ///   - item: the item.
    ///   - time: when.
    public mutating func add(_ item: Item, at time: Timestamp) {
        if let known = later[item], known <= time { return }
        later[item] = time
        heap.insert(item, at: time)
    }

    /// Failed, and is to be looked at again after its delay.
    /// - Parameters:
    ///   - item: the item.
    ///   - now: the time.
    /// - Returns: when.
    @discardableResult public mutating func addAfterFailure(_ item: Item, at now: Timestamp) -> Timestamp {
        let own = backoff.next(item)
        let time = now + max(own, bucket?.take(at: now) ?? .zero)
        add(item, at: time)
        return time
    }

    /// Went well: its next failure is its first.
    public mutating func forget(_ item: Item) { backoff.forget(item) }

    /// How often an item failed since it went well.
    public func failures(of item: Item) -> Int { backoff.failures(of: item) }

    /// Takes what is to be looked at; the worker says ``done(_:)`` afterwards.
    /// - Parameter now: the time.
    public mutating func next(at now: Timestamp) -> Item? {
        while let first = heap.first, first.time <= now {
            heap.removeFirst()
            // An earlier time was asked for since, and had its turn.
            guard later[first.item] == first.time else { continue }
            later[first.item] = nil
            add(first.item)
        }
        guard head < ready.count else { return nil }
        let item = ready[head]
        head += 1
        if head * 2 >= ready.count {
            ready.removeFirst(head)
            head = 0
        }
        dirty.remove(item)
        underWay.insert(item)
        return item
    }

    /// The worker that took it is done.
    public mutating func done(_ item: Item) {
        guard underWay.remove(item) != nil, dirty.contains(item) else { return }
        ready.append(item)
    }

    /// When the next of those that come later is due; nil when there is none.
    public var nextTime: Timestamp? { later.values.min() }
}

/// The earliest first; what is due at the same time by item, so that no run differs from another.
private struct TimeHeap<Item: Comparable & Sendable>: Sendable {
    struct Entry: Sendable {
        var item: Item
        var time: Timestamp

        func precedes(_ other: Entry) -> Bool { time == other.time ? item < other.item : time < other.time }
    }
    private var entries: [Entry] = []

    var first: Entry? { entries.first }

    mutating func insert(_ item: Item, at time: Timestamp) {
        entries.append(Entry(item: item, time: time))
        var child = entries.count - 1
        while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func removeFirst() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].precedes(entries[least]) { least = child }
            }
            if least == parent { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
