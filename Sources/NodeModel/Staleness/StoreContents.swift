// SPDX-License-Identifier: Apache-2.0

/// The objects of a cache at one version, found by name and by indexes; a value, so that a copy is a snapshot.
///
/// Source: client-go, tools/cache, thread_safe_store.go and controller.go.
public struct StoreContents<Object: VersionedObject>: Sendable {
    /// The objects by name.
    public private(set) var objects: [ObjectName: Object] = [:]
    /// The version of what was applied last, whether or not it is higher than before; empty before anything was.
    public private(set) var version = ""
    /// The gauge `informer_store_resource_version`: it stays as it was where a version is no number.
    public private(set) var versionGauge: Int64 = 0

    private let indexes: [StoreIndex<Object>]
    private var places: [String: [String: Set<ObjectName>]] = [:]

    /// Nothing yet.
    public init(indexes: [StoreIndex<Object>] = []) { self.indexes = indexes }

    /// The object of a name.
    public subscript(_ name: ObjectName) -> Object? { objects[name] }

    /// The objects that an index has under a key, by name.
    /// - Parameters:
    ///   - key: what the index says of them.
    ///   - index: its name; one that does not exist finds nothing.
    public func objects(_ key: String, in index: String) -> [Object] {
        (places[index]?[key] ?? []).sorted().compactMap { objects[$0] }
    }

    /// Applies a batch as one change and tells what it changed. Handlers are to be called afterwards: they see a store
    /// that has all of it.
    public mutating func apply(_ batch: DeltaBatch<Object>) -> [StoreEvent<Object>] {
        var events: [StoreEvent<Object>] = []
        for delta in batch.deltas { apply(delta, &events) }
        versionGauge = ResourceVersion.gauge(of: version) ?? versionGauge
        return events
    }

    private mutating func apply(_ delta: Delta<Object>, _ events: inout [StoreEvent<Object>]) {
        switch delta {
        case .added(let object), .updated(let object), .replaced(let object), .synced(let object):
            events.append(put(object))
            version = object.resourceVersion ?? version
        case .deleted(let object):
            take(object.objectName)
            events.append(.deleted(object, isFinalStateUnknown: false))
            version = object.resourceVersion ?? version
        case .deletedUnseen(let name):
            if let last = take(name) { events.append(.deleted(last, isFinalStateUnknown: true)) }
        case .replacedAll(let list, let version):
            let names = Set(list.map(\.objectName))
            for name in objects.keys.filter({ !names.contains($0) }).sorted() {
                if let last = take(name) { events.append(.deleted(last, isFinalStateUnknown: true)) }
            }
            for object in list { events.append(put(object)) }
            self.version = version
        case .syncedAll:
            for (_, object) in objects.sorted(by: { $0.key < $1.key }) {
                events.append(.updated(from: object, to: object))
            }
        case .bookmark(let version): self.version = version
        }
    }

    private mutating func put(_ object: Object) -> StoreEvent<Object> {
        let old = take(object.objectName)
        objects[object.objectName] = object
        for index in indexes {
            for key in index.keys(object) {
                places[index.name, default: [:]][key, default: []].insert(object.objectName)
            }
        }
        return old.map { .updated(from: $0, to: object) } ?? .added(object)
    }

    @discardableResult private mutating func take(_ name: ObjectName) -> Object? {
        guard let old = objects.removeValue(forKey: name) else { return nil }
        for index in indexes {
            for key in index.keys(old) {
                places[index.name]?[key]?.remove(name)
                if places[index.name]?[key]?.isEmpty == true { places[index.name]?[key] = nil }
            }
        }
        return old
    }
}

/// A second way to find objects: each is under any number of keys, such as the uid of its owner.
public struct StoreIndex<Object: VersionedObject>: Sendable {
    /// The name it is asked by.
    public let name: String
    /// The keys of an object.
    public let keys: @Sendable (Object) -> [String]

    /// An index.
    /// - Parameters:
    ///   - name: how it is asked.
    ///   - keys: the keys of an object, the same ones whenever it is asked.
    public init(_ name: String, keys: @escaping @Sendable (Object) -> [String]) {
        self.name = name
        self.keys = keys
    }
}
