// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
internal import SystemPackage

extension IDMap {
    /// What the caller may map without privilege, most first: the own ids as root inside, and from 1 on all subordinate
    /// ids that `/etc/subuid` and `/etc/subgid` give to the user, by name or number; the own ids alone where there are
    /// none, or where `newuidmap` and `newgidmap` could not map them.
    ///
    /// All that one user starts this way shares the user's subordinate ids.
    public static func ofOrdinaryUser() throws(IDMapError) -> IDMap {
        let own = try IDMap(
            uid: [Extent(inside: 0, outside: effectiveUserID, count: 1)],
            gid: [Extent(inside: 0, outside: effectiveGroupID, count: 1)])
        let users = subordinate("/etc/subuid", of: effectiveUserID)
        let groups = subordinate("/etc/subgid", of: effectiveUserID)
        guard !users.isEmpty, !groups.isEmpty,
            let map = try? IDMap(uid: joined(own.uid, users), gid: joined(own.gid, groups)),
            (try? MapWriter(map)) != nil
        else { return own }
        return map
    }

    private static func joined(_ own: [Extent], _ ranges: [IDRange]) -> [Extent] {
        var extents = own
        var next: UInt32 = 1
        for range in ranges where UInt64(next) + UInt64(range.count) < UInt64(UInt32.max) {
            extents.append(Extent(inside: next, outside: range.first, count: range.count))
            next += range.count
        }
        return extents
    }

    private static func subordinate(_ path: FilePath, of uid: UInt32) -> [IDRange] {
        let name = ((try? readKernelFile("/etc/passwd")) ?? "").split(separator: "\n").lazy
            .map { $0.split(separator: ":", omittingEmptySubsequences: false) }
            .first { $0.count > 2 && UInt32($0[2]) == uid }?[0]
        return SubordinateIDs.parse((try? readKernelFile(path)) ?? "").filter {
            $0.user == name.map(String.init) || $0.user == "\(uid)"
        }.map { IDRange(first: $0.range.lowerBound, count: UInt32(clamping: $0.range.count)) }
    }
}
