// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import NodeModel

/// Records as JSON, one file for each pod and each Job, by uid.
struct RecordCoding: Sendable {
    let files: any RecordFiles

    /// All that is there.
    struct Found {
        var pods: [PodObject] = []
        var jobs: [StoredJob] = []
        var problems: [NodeProblem] = []
    }

    private static let (pod, job) = ("pod-", "job-")

    /// Reads all records. One that makes no sense is set aside; one that cannot be read at all is not absent, and stops it.
    func load() throws(StateError) -> Found {
        var found = Found()
        for name in try files.names() {
            let bytes = try files.read(name)
            do {
                if name.hasPrefix(Self.pod) {
                    let stored = try JSONDecoder().decode(StoredPod.self, from: Data(bytes))
                    try check(Self.pod + stored.version.uid == name, name)
                    found.pods.append(PodObject(stored, stored.pod()))
                } else if name.hasPrefix(Self.job) {
                    let stored = try JSONDecoder().decode(StoredJob.self, from: Data(bytes))
                    try check(Self.job + stored.uid == name, name)
                    found.jobs.append(stored)
                }
            } catch {
                try files.setAside(name)
                found.problems.append(
                    NodeProblem("the record \(name) is damaged, and was set aside in the folder of state: \(error)"))
            }
        }
        return found
    }

    private func check(_ isSame: Bool, _ name: String) throws(StateError) {
        if !isSame { throw StateError("it is the record of another object") }
    }

    func write(_ pod: StoredPod) throws(StateError) { try write(pod, Self.pod + pod.version.uid) }
    func write(_ job: StoredJob) throws(StateError) { try write(job, Self.job + job.uid) }

    private func write(_ record: some Encodable, _ name: String) throws(StateError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let data: Data
        do { data = try encoder.encode(record) } catch { throw StateError("the record \(name): \(error)") }
        try files.write(name, Array(data))
    }

    func removePod(_ uid: String) throws(StateError) { try files.remove(Self.pod + uid) }
    func removeJob(_ uid: String) throws(StateError) { try files.remove(Self.job + uid) }
}
