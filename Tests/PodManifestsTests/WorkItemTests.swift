// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import Testing

@Suite("An object of a manifest") struct WorkItemTests {
    private func items(_ text: String) throws -> [WorkItem] { try WorkManifest(parsing: text, file: "f.yaml").items }

    private static let pod = """
        # A comment.
        apiVersion: v1
        kind: Pod
        metadata: {name: "a", labels: {n: "1", t: "true", empty: "", odd: "\\"\\\\\\n\\t\\u0085 é😀"}}
        spec:
          hostUsers: no
          terminationGracePeriodSeconds: 0x1F
          containers:
          - &first
            name: one
            command: [/bin/sh, -c, 'a: b # c']
            resources: {limits: {cpu: 1e3, memory: 0.5Gi}}
          - <<: *first
            name: two
            workingDir: null
        status: {phase: Failed}
        """

    @Test func `Its text is the object again, and the same text`() throws {
        let text = Self.pod.replacing("0x1F", with: "31")
        let item = try #require(try items(text).first)
        let again = try #require(try items(item.text).first)
        #expect(again.text == item.text && again.digest == item.digest)
        #expect(!item.text.contains("\n") && !item.text.contains("status") && item.text.utf8.allSatisfy { $0 < 0x7f })
        guard case .pod(var one) = item.object, case .pod(let other) = again.object else {
            Issue.record("no pod")
            return
        }
        one.phase = nil
        #expect(one == other)
        #expect(one.spec.containers.map(\.name) == ["one", "two"])
    }

    @Test func `Form is no difference, and content is`() throws {
        let plain = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: \"i\"}]}}"
        let other =
            "kind: Pod\\nspec:\\n  containers: [{image: i, name: c, args: null}]\\nmetadata:\\n  name: a\\n"
            .replacing("\\n", with: "\n") + "apiVersion: v1 # here\n"
        let digest = try items(plain).first?.digest
        #expect(try items(other).first?.digest == digest)
        #expect(try items(plain.replacing("\"i\"", with: "j")).first?.digest != digest)
        let list =
            "{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}]}"
        #expect(try items(list).first?.digest == digest)
    }

    @Test func `A Job's text is the Job again`() throws {
        let text = """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: a}
            spec:
              completions: 3
              completionMode: Indexed
              podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: In, values: [3, 4]}}]}
              template:
                metadata: {labels: {a: b}}
                spec:
                  restartPolicy: Never
                  volumes: [{name: v, emptyDir: {}}]
                  containers:
                  - name: app
                    env: [{name: N, value: "1"}]
                    livenessProbe: {httpGet: {port: 80, path: /}, periodSeconds: 3}
                    resources: {limits: {cpu: 1, example.com/gpu: 2}}
            status: {active: 1}
            """
        let item = try #require(try items(text).first)
        let again = try #require(try items(item.text).first)
        guard case .job(let one) = item.object, case .job(let other) = again.object else {
            Issue.record("no Job")
            return
        }
        #expect(one.spec == other.spec && one.uid == other.uid && again.digest == item.digest)
        #expect(JobUpdateRules().problems(changing: other, to: one.spec) == [])
        let creation = JobDecision.Creation(name: "a-0-1", serial: 1, index: 0)
        #expect(one.podUID(creation) != one.podUID(JobDecision.Creation(name: "a-0-2", serial: 2, index: 0)))
        #expect(one.podUID(creation) != one.uid)
    }

    @Test func `Aliases that unfold to gigabytes are refused`() throws {
        var text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nx0: &a0 [1,2,3,4,5,6,7,8,9,10]\n"
        for level in 1...12 {
            let previous = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "x\(level): &a\(level) [\(previous)]\n"
        }
        text += "spec: {containers: [{name: app, image: host}]}\n"
        let error = #expect(throws: ManifestError.self) { try items(text) }
        #expect(error?.reason == "unfolds to more than 2 MiB")
    }
}
