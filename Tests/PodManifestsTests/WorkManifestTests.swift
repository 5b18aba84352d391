// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import Testing

@Suite struct WorkManifestTests {
    private func error(_ text: String) -> String {
        do {
            _ = try WorkManifest(parsing: text, file: "work.yaml")
            return ""
        } catch { return "\(error)" }
    }

    private func job(_ spec: String, template: String = "restartPolicy: Never, containers: [{name: app}]") -> String {
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: train}
        spec:
          \(spec)
          template: {spec: {\(template)}}
        """
    }

    @Test func `Every field of a Job is read`() throws {
        let text = """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: train, namespace: ml, uid: 6a4f2e3b-1c9d-4a5e-8f7b-2d3e4f5a6b7c}
            spec:
              parallelism: 2
              completions: 5
              completionMode: Indexed
              backoffLimit: 3
              activeDeadlineSeconds: 3600
              ttlSecondsAfterFinished: 60
              suspend: true
              podFailurePolicy:
                rules:
                - {action: FailJob, onExitCodes: {containerName: app, operator: In, values: [42, 43]}}
                - {action: Ignore, onPodConditions: [{type: DisruptionTarget}]}
              template:
                metadata: {labels: {app: a}, annotations: {note: b}}
                spec: {restartPolicy: Never, containers: [{name: app, resources: {limits: {cpu: 1}}}]}
            status:
              active: 1
              failed: 2
              startTime: "2026-04-01T12:00:00Z"
              completedIndexes: "0,2-4"
              conditions:
              - {type: Suspended, status: "True", reason: JobSuspended, lastTransitionTime: "2026-04-01T12:30:00Z"}
              - {type: Unheard, status: "True"}
            """
        let job = try #require(try WorkManifest(parsing: text, file: "work.yaml").jobs.first)
        #expect(job.description == "ml/train" && job.uid == "6a4f2e3b-1c9d-4a5e-8f7b-2d3e4f5a6b7c")
        #expect(job.spec.parallelism == 2 && job.spec.completions == 5 && job.spec.completionMode == .indexed)
        #expect(job.spec.backoffLimit == 3 && job.spec.activeDeadlineSeconds == 3600)
        #expect(job.spec.ttlSecondsAfterFinished == 60 && job.spec.suspend)
        #expect(job.spec.podReplacementPolicy == .failed)
        #expect(
            job.spec.podFailurePolicy
                == PodFailurePolicy(rules: [
                    PodFailurePolicy.Rule(
                        .failJob, onExitCodes: PodFailurePolicy.ExitCodes(containerName: "app", .isIn, [42, 43])),
                    PodFailurePolicy.Rule(
                        .ignore, onPodConditions: [PodFailurePolicy.PodCondition(type: "DisruptionTarget")]),
                ]))
        #expect(job.spec.template.labels == ["app": "a"] && job.spec.template.annotations == ["note": "b"])
        #expect(job.spec.template.spec.containers.first?.resources.requests.cpu == Quantity(1))
        #expect(job.spec.unimplementedFields.isEmpty)
        #expect(job.status.active == 1 && job.status.failed == 2 && job.status.completedIndexes.description == "0,2-4")
        #expect(job.status.startTime == (try Timestamp(parsing: "2026-04-01T12:00:00Z")))
        #expect(job.status.isTrue(.suspended)?.reason == "JobSuspended" && job.status.conditions.count == 1)
    }

    @Test func `What is not said of a Job is as in Kubernetes`() throws {
        let spec = try #require(try WorkManifest(parsing: job("backoffLimit: 6"), file: "x").jobs.first).spec
        #expect(spec.parallelism == 1 && spec.completions == 1 && spec.completionMode == .nonIndexed)
        #expect(spec.backoffLimit == 6 && !spec.suspend && spec.podReplacementPolicy == .terminatingOrFailed)
        #expect(spec.activeDeadlineSeconds == nil && spec.ttlSecondsAfterFinished == nil)
        let parallel = try #require(try WorkManifest(parsing: job("parallelism: 3"), file: "x").jobs.first).spec
        #expect(parallel.parallelism == 3 && parallel.completions == nil)
    }

    @Test func `A file holds Pods and Jobs, each alone or in a list`() throws {
        let text = """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: app}]}}
            - apiVersion: batch/v1
              kind: Job
              metadata: {name: a}
              spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: app}]}}}
            ---
            \(job("parallelism: 1"))
            """
        let manifest = try WorkManifest(parsing: text, file: "work.yaml")
        #expect(manifest.pods.map(\.description) == ["default/a"])
        #expect(manifest.jobs.map(\.description) == ["default/a", "default/train"])
        #expect(Set(manifest.jobs.map(\.uid) + manifest.pods.map(\.uid)).count == 3)
        #expect(
            error(job("parallelism: 1") + "\n---\n" + job("parallelism: 2")).contains(
                "the Job default/train is described twice"))
    }

    @Test(arguments: [
        ("parallelism: -1", "work.yaml:5: spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
        (
            "completionMode: Indexed\n  parallelism: 2",
            "spec.completions: Required value: when completion mode is Indexed"
        ),
        ("completionMode: Sorted", "work.yaml:5: spec.completionMode: 'Sorted' is not one of NonIndexed, Indexed"),
        ("suspent: true", "work.yaml:5: spec.suspent: is no field of Kubernetes; 'suspend' is"),
        (
            "podFailurePolicy: {rules: [{action: Count, onExitCodes: {operator: In, values: [0]}}]}",
            "work.yaml:5: spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"
        ),
        (
            "podFailurePolicy: {rules: [{action: FailIndex, onExitCodes: {operator: In, values: [1]}}]}",
            "spec.podFailurePolicy.rules[0].action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set"
        ),
        (
            "podFailurePolicy: {rules: []}\n  podReplacementPolicy: TerminatingOrFailed",
            "work.yaml:6: spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: \"Failed\""
        ),
    ])
    func `What is wrong with a Job is said by line and field`(spec: String, expected: String) {
        #expect(error(job(spec)).contains(expected), "\(error(job(spec)))")
    }

    @Test(arguments: [
        ("containers: [{name: app}]", "restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""),
        (
            "restartPolicy: Never, containers: [{name: app, resources: {limits: {hugepages-2Mi: 4Mi}}}]",
            "containers[0].resources: Forbidden: HugePages require cpu or memory"
        ),
        (
            "restartPolicy: Never, containers: [{name: app, resources: {limits: {cpu: 1, hugepages-2Mi: 3Mi}}}]",
            "containers[0].resources.limits[hugepages-2Mi]: Invalid value: \"3145728\": 3145728 is not positive integer multiple of hugepages-2Mi"
        ),
        (
            "restartPolicy: Never, containers: [{name: app, resources: {requests: {example.com/gpu: 1}}}]",
            "containers[0].resources.limits[example.com/gpu]: Required value: Limit must be set for non overcommitable resources"
        ),
        (
            "restartPolicy: Never, containers: [{name: app, resources: {requests: {example.com/gpu: 1}, limits: {example.com/gpu: 2}}}]",
            "containers[0].resources.requests[example.com/gpu]: Invalid value: \"1\": must be equal to example.com/gpu limit of 2"
        ),
        (
            "restartPolicy: Never, containers: [{name: app, resources: {requests: {cpu: 2}, limits: {cpu: 1}}}]",
            "containers[0].resources.requests.cpu: asks for 2, which is more than the limit of 1"
        ),
    ])
    func `What is wrong with its template is said by field`(template: String, expected: String) {
        let found = error(job("parallelism: 1", template: template))
        #expect(found.contains("spec.template.spec.\(expected)"), "\(found)")
    }

    @Test func `Fields of a Job that nothing implements are named`() throws {
        let text = job(
            "successPolicy: {rules: [{succeededCount: 1}]}\n  completionMode: Indexed\n  completions: 2\n  managedBy: a.b/c"
        )
        let fields = try #require(try WorkManifest(parsing: text, file: "w.yaml").jobs.first).spec.unimplementedFields
        #expect(fields.map(\.field) == ["spec.successPolicy", "spec.managedBy"])
    }

    @Test func `Probes are read, by the numbers or names of ports`() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - name: app
                ports: [{name: web, containerPort: 8080}]
                startupProbe: {exec: {command: [test, -e, /ready]}, failureThreshold: 30, periodSeconds: 1}
                livenessProbe: {httpGet: {path: /healthz, port: web, httpHeaders: [{name: A, value: b}]}, terminationGracePeriodSeconds: 5}
                readinessProbe: {tcpSocket: {port: 5432}, successThreshold: 2, initialDelaySeconds: 3, timeoutSeconds: 0}
            """
        let app = try #require(try pods(text).first?.spec.containers.first)
        #expect(app.startupProbe == Probe(.exec(["test", "-e", "/ready"]), period: .seconds(1), failureThreshold: 30))
        #expect(
            app.livenessProbe
                == Probe(
                    .httpGet(Probe.HTTPRequest(path: "/healthz", port: 8080, headers: [.init(name: "A", value: "b")])),
                    terminationGracePeriod: .seconds(5)))
        #expect(
            app.readinessProbe
                == Probe(.tcpSocket(port: 5432, host: nil), initialDelay: .seconds(3), successThreshold: 2))
    }

    @Test(arguments: [
        ("livenessProbe: {exec: {command: []}}", "exec.command: must not be empty"),
        ("livenessProbe: {tcpSocket: {port: web}}", "'web' is none of the container's ports"),
        ("livenessProbe: {}", "must say how: exec, tcpSocket, httpGet or grpc"),
        ("livenessProbe: {tcpSocket: {port: 1}, successThreshold: 2}", "successThreshold: must be 1"),
        ("readinessProbe: {tcpSocket: {port: 1}, exec: {command: [a]}}", "says several ways: exec, tcpSocket"),
        (
            "readinessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 3}",
            "must not be set for readinessProbes"
        ),
        ("readinessProbe: {tcpSocket: {port: 70000}}", "70000 is not between 1 and 65535"),
    ])
    func `What is wrong with a probe is said by field`(probe: String, expected: String) {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: app, \(probe)}]}"
        #expect(error(text).contains(expected), "\(error(text))")
    }
}
