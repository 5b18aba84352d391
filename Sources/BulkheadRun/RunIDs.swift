// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
package import NodeModel
package import SystemPackage
package import UserNamespaces

/// The ids of a run: its map, and the claim that keeps other runs off the same host ids.
package struct RunIDs: ~Copyable {
    /// Nil stays in the caller's user namespace.
    package let map: IDMap?
    package let claim: IDRangeClaim?

    /// - Parameters:
    ///   - ids: which are wanted; nil for no map.
    ///   - root: where the cgroup v2 hierarchy is.
    ///   - first: the first id of the range that is best, should nobody hold it.
    package init(_ ids: RunRequest.IDs?, cgroups root: FilePath?, preferring first: UInt32? = nil) throws {
        switch ids {
        case nil:
            map = nil
            claim = nil
        case .given(let map):
            self.map = map
            claim = nil
        case .automatic where effectiveUserID != 0:
            map = try IDMap.ofOrdinaryUser()
            claim = nil
        case .automatic:
            let claim = try Self.claim(preferring: first, lockFile: try Self.lockFile(root))
            map = try IDMap(outside: claim.first, count: claim.count)
            self.claim = consume claim
        }
    }

    private static func claim(preferring first: UInt32?, lockFile: FilePath) throws -> IDRangeClaim {
        let pool = Self.pool()
        if let first, pool.blocks.contains(first),
            let claim = try IDRangeClaim(of: IDRange(first: first, count: IDRangePool.blockSize), lockFile: lockFile)
        {
            return claim
        }
        return try IDRangeClaim(from: pool, lockFile: lockFile)
    }

    /// The subordinate ids of a user `bulkhead`, where an administrator has set them aside; else systemd's range for
    /// containers without what belongs to other users.
    private static func pool() -> IDRangePool {
        let uids = lines("/etc/subuid")
        let gids = lines("/etc/subgid")
        let own = uids.filter { $0.user == "bulkhead" && gids.contains($0) }.map(\.range)
        return own.isEmpty ? IDRangePool(avoiding: uids + gids) : IDRangePool(ranges: own)
    }

    private static func lines(_ path: FilePath) -> [SubordinateIDs] {
        SubordinateIDs.parse((try? readKernelFile(path)) ?? "")
    }

    /// The file whose bytes stand for ranges: on every host with cgroup v2 the same one, writable by root only, and
    /// there without anybody making it. Else a file of our own.
    private static func lockFile(_ root: FilePath?) throws -> FilePath {
        if let root { return root.appending("cgroup.subtree_control") }
        let run = try Descriptor.open("/run", [.path, .directory])
        try run.makeDirectory("bulkhead", mode: 0o700)
        _ = try run.open("bulkhead/id-ranges", [.create, .writing], mode: 0o600)
        return "/run/bulkhead/id-ranges"
    }
}
