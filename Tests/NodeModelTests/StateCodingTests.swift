// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import NodeModel

/// What an agent keeps on disk comes back as it was.
@Suite struct StateCodingTests {
    private func roundTrip<Value: Codable & Equatable>(_ value: Value) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        #expect(try JSONDecoder().decode(Value.self, from: data) == value)
        return String(decoding: data, as: UTF8.self)
    }

    @Test func `The status of a Job is written with the words of the Kubernetes API`() throws {
        var status = JobStatus()
        _ = try roundTrip(status)
        status.succeeded = 4
        status.startTime = Timestamp(seconds: 1_775_044_800) + .milliseconds(250)
        status.completedIndexes = CompletionIndexes([0, 2, 3, 4])
        status.conditions = [JobCondition(.suspended, reason: "JobSuspended", since: Timestamp(seconds: 1_775_044_800))]
        status.counted = ["u1"]
        let text = try roundTrip(status)
        #expect(text.contains("\"completedIndexes\":\"0,2-4\"") && text.contains("\"succeeded\":4"))
        #expect(text.contains("\"startTime\":\"2026-04-01T12:00:00.25Z\""))
        #expect(
            text.contains(
                "{\"lastTransitionTime\":\"2026-04-01T12:00:00Z\",\"message\":\"\",\"reason\":\"JobSuspended\","
                    + "\"status\":\"True\",\"type\":\"Suspended\"}"))
    }

    @Test func `The record of a pod is written`() throws {
        var record = PodRecord(PodVersion(name: "web", uid: "u1", digest: "d1"))
        var backoff = CrashLoopBackoff()
        backoff.restarted(endedAt: Timestamp(seconds: 1), at: Timestamp(seconds: 1))
        var container = ContainerRecord(attempt: 2, begunAt: Timestamp(seconds: 1), backoff: backoff)
        container.exit = ContainerRecord.Exit(code: 137, time: Timestamp(seconds: 5))
        record.containers["app"] = container
        record.stage = .stopping
        record.killTime = Timestamp(seconds: 9)
        #expect(try roundTrip(record).contains("\"stage\":\"stopping\""))
    }
}
