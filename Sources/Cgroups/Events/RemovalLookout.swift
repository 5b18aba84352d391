// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage

/// Where the cgroups of a watcher are, so that their removal is told: `epoll` wakes nobody for it, but the parent
/// directory's `inotify` does.
struct RemovalLookout: Sendable {
    private struct Place: Hashable {
        var directory: CInt
        var name: String
    }

    private let notices: RemovalNotices?
    private var places: [UInt64: Place] = [:]
    private var cgroups: [Place: Set<UInt64>] = [:]
    /// How many are watched in each directory.
    private var counts: [CInt: Int] = [:]
    /// Those of whose removal nothing is told: the host gives no more `inotify`, or there is no parent to be seen.
    private(set) var unseen: Set<UInt64> = []

    /// One `inotify` instance; none when the user has all that he may.
    init() { notices = try? RemovalNotices() }

    /// For `epoll`.
    var number: CInt? { notices?.number }

    /// Keeps an eye on a cgroup from now on.
    mutating func add(_ number: UInt64, _ cgroup: borrowing Cgroup) {
        guard let notices, let name = FilePath(cgroup.directory.name).lastComponent?.string,
            let parent = try? cgroup.parent(), let directory = try? notices.watch(parent.directory)
        else {
            unseen.insert(number)
            return
        }
        let place = Place(directory: directory, name: name)
        places[number] = place
        cgroups[place, default: []].insert(number)
        counts[directory, default: 0] += 1
    }

    /// Forgets one.
    mutating func remove(_ number: UInt64) {
        unseen.remove(number)
        guard let place = places.removeValue(forKey: number) else { return }
        cgroups[place]?.remove(number)
        if cgroups[place]?.isEmpty == true { cgroups[place] = nil }
        counts[place.directory, default: 1] -= 1
        guard counts[place.directory] == 0 else { return }
        counts[place.directory] = nil
        notices?.stop(place.directory)
    }

    /// Those at whose places something was removed: they, or cgroups that had the name before them.
    func takeCandidates() throws(KernelError) -> Set<UInt64> {
        guard let taken = try notices?.take() else { return [] }
        if taken.isIncomplete { return Set(places.keys) }
        var found: Set<UInt64> = []
        for entry in taken.entries {
            found.formUnion(cgroups[Place(directory: entry.directory, name: entry.name)] ?? [])
        }
        return found
    }
}
