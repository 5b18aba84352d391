// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import Synchronization

/// A user namespace that several values refer to: closed with the last of them.
public final class SharedUserNamespace: Sendable {
    /// The namespace.
    public let namespace: UserNamespace

    /// Takes the namespace.
    public init(_ namespace: consuming UserNamespace) { self.namespace = namespace }
}

/// User namespaces by their map, made when first asked for: ten volumes of a pod need one, not ten.
///
/// Maps are canonical, so two ways to write one are one namespace. Copies of a cache are the same cache, and any thread
/// may ask. The cache itself keeps the last few that were asked for; what others hold on to lives as long as they do.
public struct UserNamespaceCache: Sendable {
    private let entries: Entries

    /// A cache that keeps up to `capacity` namespaces alive by itself: a descriptor each, and one of the user's
    /// `user.max_user_namespaces`.
    public init(keeping capacity: Int = 16) { entries = Entries(capacity: capacity) }

    /// The namespace of a map; made while others who ask wait, so that they get the same.
    public func namespace(for map: IDMap) throws(KernelError) -> SharedUserNamespace {
        try entries.state.withLock { (state) throws(KernelError) in
            let found: SharedUserNamespace
            if let present = state.namespaces[map]?.shared {
                found = present
            } else {
                found = SharedUserNamespace(try UserNamespace(mapping: map))
                state.namespaces[map] = State.Reference(shared: found)
            }
            state.note(found, capacity: entries.capacity)
            return found
        }
    }

    /// How many namespaces are alive that the cache knows of.
    public var count: Int {
        entries.state.withLock { state in state.namespaces.values.count { $0.shared != nil } }
    }

    /// Lets go of all that nobody else holds.
    public func removeAll() {
        entries.state.withLock { state in
            state.recent = []
            state.forgetClosed()
        }
    }

    private final class Entries: Sendable {
        let capacity: Int
        let state = Mutex(State())
        init(capacity: Int) { self.capacity = max(0, capacity) }
    }

    private struct State {
        struct Reference { weak var shared: SharedUserNamespace? }
        var namespaces: [IDMap: Reference] = [:]
        /// The last that were asked for, the latest at the end.
        var recent: [SharedUserNamespace] = []

        mutating func note(_ namespace: SharedUserNamespace, capacity: Int) {
            recent.removeAll { $0 === namespace }
            recent.append(namespace)
            if recent.count > capacity {
                recent.removeFirst(recent.count - capacity)
                forgetClosed()
            }
        }

        mutating func forgetClosed() { namespaces = namespaces.filter { $0.value.shared != nil } }
    }
}
