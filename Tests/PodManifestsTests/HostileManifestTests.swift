// SPDX-License-Identifier: Apache-2.0

import PodManifests
import Testing

/// Manifests come from other people: whatever they hold, the reader answers with pods or an error.
@Suite struct HostileManifestTests {
    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func `A document nested very deep is refused`(opening: String) {
        #expect(throws: ManifestError.self) {
            try PodManifest(parsing: String(repeating: opening, count: 20_000), file: "deep.yaml")
        }
    }

    @Test func `Aliases that would unfold to billions of values cost nothing`() throws {
        var text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nx0: &a0 [1,2,3,4,5,6,7,8,9,10]\n"
        for level in 1...30 {
            let previous = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "x\(level): &a\(level) [\(previous)]\n"
        }
        text += "spec: {containers: [{name: app, command: *a30}]}\n"
        #expect(throws: ManifestError.self) { try PodManifest(parsing: text, file: "laughs.yaml") }
    }

    @Test func `A damaged manifest gives pods or an error`() {
        let text = Array(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: "b"}
            spec:
              hostUsers: false
              containers:
              - &c {name: app, command: [/bin/sh, -c, 'x'], resources: {limits: {cpu: 1e3, memory: 0.5Gi}}}
              - <<: *c
                name: two
              volumes: [{name: v, hostPath: {path: /a, type: Directory}}]
            """.utf8)
        let accepted = Self.accepted(text, of: 3_000) { (try? PodManifest(parsing: $0, file: "x")) != nil }
        #expect(accepted > 0 && accepted < 3_000)
    }

    @Test func `A damaged Job gives a Job or an error`() {
        let text = Array(
            """
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
                  containers:
                  - name: app
                    livenessProbe: {httpGet: {port: 80, path: /}, periodSeconds: 3}
                    resources: {limits: {cpu: 1, example.com/gpu: 2}}
            status: {active: 1, completedIndexes: "0,2", startTime: "2026-04-01T12:00:00Z"}
            """.utf8)
        let accepted = Self.accepted(text, of: 1_000) { (try? WorkManifest(parsing: $0, file: "x")) != nil }
        #expect(accepted > 0 && accepted < 1_000)
    }

    /// How many of so many damaged copies of a text are read.
    private static func accepted(_ text: [UInt8], of count: Int, reads: (String) -> Bool) -> Int {
        let bytes = Array("{}[],:-&*!|>'\"%@`#?\n\t 0eE.~<\\\u{0}\u{85}".utf8)
        var state: UInt64 = 2026
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        var accepted = 0
        for _ in 0..<count {
            var damaged = text
            for _ in 0...random(3) {
                switch random(3) {
                case 0: damaged[random(damaged.count)] = bytes[random(bytes.count)]
                case 1: damaged.insert(bytes[random(bytes.count)], at: random(damaged.count))
                default: damaged.removeSubrange(random(damaged.count)...)
                }
                if damaged.isEmpty { damaged = text }
            }
            if reads(String(decoding: damaged, as: UTF8.self)) { accepted += 1 }
        }
        return accepted
    }
}
