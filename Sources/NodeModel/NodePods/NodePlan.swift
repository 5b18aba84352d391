// SPDX-License-Identifier: Apache-2.0

/// What an agent is to do with each pod now, from what is wanted, what was written down, and what the kernel shows.
///
/// It is made anew for each look, and so after a kill at any instant: nothing is remembered but the records. A pod is begun
/// only where nothing is left of it, of an older version, or of another pod of its name; and what runs as it should is left
/// alone.
public struct NodePlan: Hashable, Sendable {
    /// What is to be done with one pod.
    public enum Action: Hashable, Sendable {
        /// Nothing is there: begin it, with its record.
        case begin(PodVersion)
        /// It is as wanted: go on with it (``ManagedPod``).
        case carryOn(uid: String)
        /// It is not wanted, or in another version, and runs: stop it. Without a record there is nothing to go by, and it is
        /// killed.
        case stop(uid: String, hasRecord: Bool)
        /// It is not wanted, or in another version, and nothing of it runs: remove its control groups, what it claimed, and
        /// then its record.
        case remove(uid: String)
        /// It has to wait until another pod is gone.
        case wait(PodVersion, behind: String)
    }

    /// What is to be done, by uid.
    public let actions: [Action]

    /// Makes the plan.
    /// - Parameters:
    ///   - desired: the pods that are wanted, no two of a uid or a name.
    ///   - records: what was written down.
    ///   - sightings: what the kernel shows.
    public init(desired: [PodVersion], records: [PodRecord], sightings: [PodSighting]) {
        let wanted = Dictionary(desired.map { ($0.uid, $0) }) { first, _ in first }
        let noted = Dictionary(records.map { ($0.version.uid, $0) }) { first, _ in first }
        let seen = Dictionary(sightings.map { ($0.uid, $0) }) { first, _ in first }
        let holders = Dictionary(
            records.sorted { $0.version.uid < $1.version.uid }.map { ($0.version.objectName, $0.version.uid) }
        ) { first, _ in first }
        // Of what runs without a record nobody knows the name: it could be anyone's.
        let stranger = seen.keys.filter { noted[$0] == nil }.min()

        actions = Set(wanted.keys).union(noted.keys).union(seen.keys).sorted().map { uid in
            if let record = noted[uid] {
                if record.version == wanted[uid], record.stage != .stopping { return .carryOn(uid: uid) }
                return seen[uid]?.isPopulated == true ? .stop(uid: uid, hasRecord: true) : .remove(uid: uid)
            }
            if let sighting = seen[uid] {
                return sighting.isPopulated ? .stop(uid: uid, hasRecord: false) : .remove(uid: uid)
            }
            guard let version = wanted[uid] else { return .remove(uid: uid) }
            if let other = holders[version.objectName] ?? stranger { return .wait(version, behind: other) }
            return .begin(version)
        }
    }
}
