// SPDX-License-Identifier: Apache-2.0

/// The queue between a source of objects and a cache of them: what the source told, in that order.
///
/// Deltas of one object are never reordered or merged. A new list of everything (``replace(with:version:)``) is one delta
/// and reaches the cache at once, so that nobody sees a cache between two lists; so is a bookmark, which moves the
/// version after, never before, what it speaks of. Deltas of different objects are handed out together, as a batch that is
/// applied as one change.
///
/// One batch is under way at a time: ``next(upTo:)`` gives nothing until ``finish()`` says that the one before was
/// applied. Meanwhile the source may go on telling.
///
/// Source: client-go, tools/cache, the_real_fifo.go (RealFIFO with the gate AtomicFIFO, beta and on in Kubernetes 1.36).
public struct AtomicFIFO<Object: VersionedObject>: Sendable {
    /// How many deltas a batch holds at most unless said otherwise.
    public static var batchLimit: Int { 1000 }

    private var deltas: [Delta<Object>] = []
    /// Those before it were handed out.
    private var head = 0
    private var isPopulated = false
    /// What is left of the first list, and of what was told before it.
    private var initialCount = 0
    /// How many of those that are under way belong to the first list.
    private var underWay: Int?
    private let takesBookmarks: Bool

    /// An empty queue.
    /// - Parameter takesBookmarks: whether bookmarks are kept or passed over.
    public init(takesBookmarks: Bool = true) { self.takesBookmarks = takesBookmarks }

    /// A queue that begins with a list, told object by object.
    /// - Parameter list: the objects.
    public init(list: [Object]) {
        self.init()
        deltas = list.map { .replaced($0) }
        isPopulated = true
        initialCount = list.count
    }

    /// How many deltas wait.
    public var count: Int { deltas.count - head }

    /// Whether nothing waits.
    public var isEmpty: Bool { count == 0 }

    /// Whether the first list, or whatever else came first, has reached the cache.
    public var hasSynced: Bool { isPopulated && initialCount == 0 }

    /// An object is new.
    public mutating func add(_ object: Object) { append(.added(object)) }

    /// An object is another.
    public mutating func update(_ object: Object) { append(.updated(object)) }

    /// An object is gone.
    public mutating func delete(_ object: Object) { append(.deleted(object)) }

    /// An object is gone, and its last state was not seen.
    public mutating func deleteUnseen(_ name: ObjectName) { append(.deletedUnseen(name)) }

    /// These are all objects there are.
    public mutating func replace(with list: [Object], version: String) {
        deltas.append(.replacedAll(list, version: version))
        if !isPopulated {
            isPopulated = true
            initialCount = count
        }
    }

    /// All objects of the cache are told again.
    public mutating func resync() { deltas.append(.syncedAll) }

    /// There is nothing new up to a version.
    public mutating func bookmark(version: String) {
        if takesBookmarks { deltas.append(.bookmark(version: version)) }
    }

    private mutating func append(_ delta: Delta<Object>) {
        isPopulated = true
        deltas.append(delta)
    }

    /// What is to be applied next, as one change; nil when nothing waits or the batch before is still under way.
    ///
    /// A batch ends before a second delta of an object, before a delta about all objects, at the end of the first list,
    /// and at the limit. A delta about all objects is alone.
    /// - Parameter limit: how many deltas at most; at least one.
    public mutating func next(upTo limit: Int = AtomicFIFO.batchLimit) -> DeltaBatch<Object>? {
        guard underWay == nil, let first = deltas[head...].first else { return nil }
        var taken = [first]
        if let name = first.name {
            var names: Set<ObjectName> = [name]
            for delta in deltas[(head + 1)...] {
                if taken.count >= limit || taken.count == initialCount { break }
                guard let name = delta.name, names.insert(name).inserted else { break }
                taken.append(delta)
            }
        }
        underWay = min(taken.count, initialCount)
        head += taken.count
        // Moving what is left costs as much as was handed out since it was moved last.
        if head * 2 >= deltas.count {
            deltas.removeFirst(head)
            head = 0
        }
        return DeltaBatch(deltas: taken)
    }

    /// The batch under way was applied.
    public mutating func finish() {
        initialCount -= underWay ?? 0
        underWay = nil
    }
}

/// Deltas that are applied as one change: of different objects, or a single one about all of them.
public struct DeltaBatch<Object: VersionedObject>: Sendable {
    /// The deltas, in order.
    public let deltas: [Delta<Object>]

    /// Deltas for a store, outside of a queue.
    public init(deltas: [Delta<Object>]) { self.deltas = deltas }
}
