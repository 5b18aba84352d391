// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// Namespaces that several commands share, as the containers of a pod do: held by descriptors, with no process in them.
///
/// A user namespace with its map, and the network, IPC and UTS namespaces that it owns.
public struct SharedNamespaces: ~Copyable, Sendable {
    /// The kinds that are shared.
    public let kinds: NamespaceKinds
    /// The map of the user namespace; nil when it is the caller's.
    public let map: IDMap?
    /// Each of them, by its descriptor: what ``Launch/joins`` takes.
    public let joins: [JoinedNamespace]

    /// Makes the namespaces, brings the loopback interface up and sets the host name.
    public init(user map: IDMap?, kinds: NamespaceKinds, hostName: String?) throws(LaunchError) {
        var launch = Launch("namespaces")
        launch.user = map
        launch.namespaces = kinds
        launch.hostName = kinds.contains(.uts) ? hostName : nil
        launch.streams = Streams(input: .null, output: .null, error: .null)
        launch.endsWithCaller = true
        let all = map == nil ? kinds : kinds.union(.user)
        var held: [JoinedNamespace] = []
        try launch.hold { (pid) throws(LaunchError) in
            do throws(KernelError) {
                for (name, kind) in Self.joinOrder where all.contains(kind) {
                    held.append(try JoinedNamespace(kind, path: "/proc/\(pid)/ns/\(name)"))
                }
            } catch {
                throw LaunchError(.prepare, error)
            }
        }
        joins = held
        self.kinds = all
        self.map = map
    }

    /// Namespaces that exist, as those of a process that shares them.
    ///
    /// - Parameters:
    ///   - joins: the namespaces, one of a kind.
    ///   - map: that of the user namespace among them; nil when there is none.
    public init(_ joins: [JoinedNamespace], map: IDMap?) {
        self.joins = joins
        self.map = map
        kinds = joins.reduce(into: []) { $0.insert($1.kind) }
    }

    private static let joinOrder: [(String, NamespaceKinds)] =
        [("user", .user)] + NamespaceKinds.named.filter { $0.kind != .user }.map { ($0.name, $0.kind) }
}
