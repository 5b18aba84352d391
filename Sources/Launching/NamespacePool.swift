// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import Synchronization

/// Namespaces that are made before they are needed, for those who start a lot: a network namespace is most of the time
/// that a start takes, and none of it has to do with what is started.
///
/// Each is for one start, or for one pod (``Launch/start(sharing:)``); none is used twice. What was not taken ends with the
/// pool.
public final class NamespacePool: Sendable {
    /// The map of the user namespaces that own them; nil when that is the caller's.
    public let map: IDMap?
    /// The kinds of each.
    public let kinds: NamespaceKinds
    /// How many are kept ready.
    public let size: Int

    private struct State {
        var ready: [[JoinedNamespace]] = []
        var isFilling = false
    }
    private let state = Mutex(State())

    /// A pool, empty as yet.
    public init(user map: IDMap?, kinds: NamespaceKinds = .network, size: Int) {
        self.map = map
        self.kinds = kinds
        self.size = size
    }

    /// How many are ready.
    public var ready: Int { state.withLock { $0.ready.count } }

    /// Makes what is missing, in this thread.
    public func fill() throws(LaunchError) {
        while ready < size {
            let joins = try SharedNamespaces(user: map, kinds: kinds, hostName: nil).joins
            state.withLock { if $0.ready.count < size { $0.ready.append(joins) } }
        }
    }

    /// Makes what is missing, in a thread of its own that ends with it. Of no effect while one does so already. What fails
    /// there is told by the next ``take(refilling:)``, which makes its own.
    public func fillInBackground() {
        let isNeeded = state.withLock { state in
            defer { state.isFilling = true }
            return !state.isFilling
        }
        guard isNeeded else { return }
        do throws(KernelError) {
            try startThread { [weak self] in
                // Weakly, one by one: a pool that nobody has any more is not filled on.
                while let pool = self, pool.makeOne() {}
                self?.state.withLock { $0.isFilling = false }
            }
        } catch { state.withLock { $0.isFilling = false } }
    }

    private func makeOne() -> Bool {
        guard ready < size, let joins = try? SharedNamespaces(user: map, kinds: kinds, hostName: nil).joins else {
            return false
        }
        state.withLock { if $0.ready.count < size { $0.ready.append(joins) } }
        return true
    }

    /// A ready one, or else one that is made now.
    ///
    /// - Parameter refilling: makes the next in the background, on a thread that lasts as long as that takes.
    public func take(refilling: Bool = false) throws(LaunchError) -> SharedNamespaces {
        let joins = state.withLock { $0.ready.popLast() }
        if refilling { fillInBackground() }
        guard let joins else { return try SharedNamespaces(user: map, kinds: kinds, hostName: nil) }
        return SharedNamespaces(joins, map: map)
    }
}
