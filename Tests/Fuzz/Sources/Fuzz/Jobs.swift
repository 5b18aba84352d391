// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests

/// A manifest with Jobs gives Jobs that the rules accept, that may be left as they are, and that something can be decided
/// for; or an error that has a place. What is a manifest of Pods alone holds the same pods.
func checkWork(_ text: String) {
    let manifest: WorkManifest
    do { manifest = try WorkManifest(parsing: text, file: "f") } catch {
        require(!error.reason.isEmpty && error.description.hasPrefix("f"), "an error without a place: \(error)")
        return
    }
    if let alone = try? PodManifest(parsing: text, file: "f") { require(alone.pods == manifest.pods, "other pods") }
    for job in manifest.jobs {
        require(job.problems.isEmpty, "a Job with problems: \(job.problems)")
        require(JobUpdateRules().problems(changing: job, to: job.spec).isEmpty, "no change is refused")
        let now = Timestamp(seconds: 2_000_000_000)
        let decision = job.decision(with: [], at: now)
        require(decision.create.count <= 500 && decision.delete.isEmpty, "too many pods")
        require(decision == job.decision(with: [], at: now), "another decision")
        require(!"\(decision)".isEmpty, "a decision without a text")
    }
}
