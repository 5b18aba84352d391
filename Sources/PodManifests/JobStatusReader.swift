// SPDX-License-Identifier: Apache-2.0

import NodeModel

/// The status of a Job, as far as a rule depends on it. `kubectl get job -o yaml` writes it; who edits a file does not.
enum JobStatusReader {
    static func status(_ job: FieldObject) throws(ManifestError) -> JobStatus {
        var status = JobStatus()
        guard let object = try job.object("status") else { return status }
        func count(_ name: String) throws(ManifestError) -> Int32 {
            Int32(try object[name]?.integer(in: 0...Int64(Int32.max)) ?? 0)
        }
        status.active = try count("active")
        status.ready = try count("ready")
        status.terminating = try count("terminating")
        status.succeeded = try count("succeeded")
        status.failed = try count("failed")
        status.startTime = try object["startTime"].map { field throws(ManifestError) in try field.time() }
        status.completionTime = try object["completionTime"].map { field throws(ManifestError) in try field.time() }
        if let field = object["completedIndexes"] {
            // Written without quotes, a single index is a number.
            let text: String
            if let digits = field.digits { text = digits } else { text = try field.string() }
            guard let indexes = CompletionIndexes(parsing: text) else {
                throw field.error("'\(text)' are no indexes such as 1,3-5,7")
            }
            status.completedIndexes = indexes
        }
        for item in try object.items("conditions") {
            if let condition = try condition(item) { status.conditions.append(condition) }
        }
        return status
    }

    /// Nil for a type that is not known.
    private static func condition(_ field: Field) throws(ManifestError) -> JobCondition? {
        let object = try field.object()
        guard let kind = JobCondition.Kind(rawValue: try object.required("type").string()) else { return nil }
        let value = try object.required("status")
        // YAML takes a bare True for a truth value.
        let status: Bool
        if let flag = try? value.bool() { status = flag } else { status = try value.string() == "True" }
        let since = try object["lastTransitionTime"].map { field throws(ManifestError) in try field.time() }
        return JobCondition(
            kind, status: status, reason: try object.string("reason") ?? "",
            message: try object.string("message") ?? "",
            since: since ?? Timestamp(seconds: 0))
    }
}

extension Field {
    fileprivate func time() throws(ManifestError) -> Timestamp {
        let text = try string()
        do { return try Timestamp(parsing: text) } catch { throw self.error("\(error)") }
    }

    /// A whole number, as it is written.
    fileprivate var digits: String? { (try? integer(in: 0...Int64(Int32.max))).map { "\($0)" } }
}
