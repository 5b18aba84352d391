// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Row: Decodable {
        struct Old: Decodable {
            let suspend, startTime_set, suspended_condition_true: Bool
            let active: Int32
        }
        struct New: Decodable {
            let suspend: Bool?
            let change: String
        }
        let test, expected: String
        let old: Old
        let new: New
        let gate: Bool?
    }
    let rows: [Row]
}

/// A Job's manifest, with parts of its template that a test changes.
struct JobText {
    var metadata = "labels: {app: trainer}"
    var spec = "nodeSelector: {disk: ssd}"
    var claims = ""
    var containers = [
        "{name: main, image: host, resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}}", "{name: side}",
    ]
    var initContainers = ["{name: setup, resources: {limits: {memory: 64Mi}}}"]
    var suspend = true
    var more = ""

    var text: String {
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: train, uid: 6a4f2e3b-1c9d-4a5e-8f7b-2d3e4f5a6b7c}
        spec:
          suspend: \(suspend)
          \(more)
          template:
            metadata: {\(metadata)}
            spec:
              restartPolicy: Never
              \(spec)
              \(claims)
              initContainers: [\(initContainers.joined(separator: ", "))]
              containers: [\(containers.joined(separator: ", "))]
        """
    }

    func job() throws -> Job {
        try #require(try WorkManifest(parsing: text, file: "job.yaml").jobs.first)
    }
}

@Suite struct JobSuspendTests {
    /// The edit that a row names.
    private func edited(_ change: String, suspend: Bool) throws -> JobText {
        var new = JobText(suspend: suspend)
        let main = "{name: main, image: host, resources: {requests: {cpu: 2}, limits: {memory: 2Gi}}}"
        switch change {
        case "none": break
        case "container image": new.containers[0] = new.containers[0].replacing("image: host", with: "image: other")
        case "container requests", "requests/limits": new.containers[0] = main
        case "nodeSelector + template labels":
            new.spec = "nodeSelector: {disk: nvme}"
            new.metadata = "labels: {app: trainer, queue: fast}"
        case "resources {} -> absent; volumes absent -> []":
            new.spec += "\n      volumes: []"
            new.containers[1] = "{name: side, resources: {}, env: []}"
        case "initContainers[0] requests/limits":
            new.initContainers = ["{name: setup, resources: {limits: {memory: 1Gi}}}"]
        case "containers[0].name + resources": new.containers[0] = main.replacing("name: main", with: "name: other")
        case "swap containers[0],[1]": new.containers.swapAt(0, 1)
        case "containers[0].resizePolicy":
            new.containers[0] = new.containers[0].replacing(
                "image: host", with: "image: host, resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]")
        case "template.spec.resourceClaims": new.claims = "resourceClaims: [{name: gpu}]"
        case "extended resource 1500m":
            new.containers[0] = "{name: main, image: host, resources: {limits: {example.com/gpu: 1500m}}}"
        default: Issue.record("no such change: \(change)")
        }
        return new
    }

    @Test func `Every row of the table is accepted or refused as in Kubernetes`() throws {
        let table: Table = try vectors("job_suspend_validation.json")
        #expect(table.rows.count > 10)
        for row in table.rows {
            var old = try JobText(suspend: row.old.suspend).job()
            old.status.active = row.old.active
            if row.old.startTime_set { old.status.startTime = Timestamp(seconds: 5) }
            if row.old.suspended_condition_true {
                old.status.conditions = [JobCondition(.suspended, reason: "JobSuspended", since: Timestamp(seconds: 9))]
            }
            let text = try edited(row.new.change, suspend: row.new.suspend ?? row.old.suspend).text
            let found: [String]
            do {
                let new = try #require(try WorkManifest(parsing: text, file: "job.yaml").jobs.first)
                found = JobUpdateRules(allowsResources: row.gate ?? true).problems(changing: old, to: new.spec)
                    .map(\.description)
            } catch let error as ManifestError { found = ["\(error)"] }
            let comment: Comment = "\(row.test): \(found)"
            switch row.expected {
            case "allowed": #expect(found.isEmpty, comment)
            case "rejected": #expect(!found.isEmpty, comment)
            case "rejected by ordinary resource validation":
                #expect(found.count == 1, comment)
                #expect(
                    found.first?.contains("limits[example.com/gpu]: Invalid value: \"1500m\": must be an integer")
                        == true, comment)
            default:
                let field = row.expected.replacing("immutable ", with: "")
                #expect(found.count == 1, comment)
                #expect(found.first?.hasPrefix("\(field): Invalid value: field is immutable") == true, comment)
            }
        }
    }

    private func problems(_ change: (inout JobText) -> Void, active: Int32 = 0) throws -> [String] {
        var old = try JobText().job()
        old.status.active = active
        var new = JobText()
        change(&new)
        return JobUpdateRules().problems(changing: old, to: try new.job().spec).map(\.description)
    }

    @Test func `Resources may change in the edit that resumes the Job`() throws {
        #expect(
            try problems { new in
                new.suspend = false
                new.containers[0] = "{name: main, image: host, resources: {limits: {memory: 8Gi}}}"
            }.isEmpty)
    }

    @Test func `Nothing may change while a pod is still active`() throws {
        let found = try problems(
            { $0.containers[0] = "{name: main, image: host, resources: {limits: {memory: 8Gi}}}" }, active: 1)
        #expect(
            found == [
                "spec.template: Invalid value: field is immutable (changed: "
                    + "spec.template.spec.containers[0].resources.limits.memory, "
                    + "spec.template.spec.containers[0].resources.requests.cpu, "
                    + "spec.template.spec.containers[0].resources.requests.memory)"
            ])
    }

    @Test func `What beside requests and limits changed is named by field`() throws {
        let found = try problems { new in
            new.containers[0] = "{name: main, image: host, resources: {limits: {memory: 8Gi}}, stdin: true}"
            new.spec += "\n      priorityClassName: high"
        }
        #expect(
            found == [
                "spec.template.spec: Invalid value: field is immutable (changed: "
                    + "spec.template.spec.containers[0].stdin, spec.template.spec.priorityClassName)"
            ])
    }

    @Test func `A claim inside of resources is not among what may change`() throws {
        let found = try problems { $0.containers[1] = "{name: side, resources: {claims: [{name: gpu}]}}" }
        #expect(found.first?.contains("containers[1].resources") == true)
    }

    @Test func `What is written otherwise and means the same is no change`() throws {
        let found = try problems { new in
            new.containers[0] =
                "{image: host, name: main, terminationMessagePolicy: File, resources: {limits: {memory: 1024Mi}, requests: {memory: 1073741824, cpu: 1000m}}}"
            new.spec += "\n      terminationGracePeriodSeconds: 30\n      dnsPolicy: ClusterFirst"
        }
        #expect(found.isEmpty)
    }

    @Test func `Node affinity may change and the affinity to other pods may not`() throws {
        #expect(
            try problems {
                $0.spec +=
                    "\n      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}]}}}"
            }.isEmpty)
        let found = try problems {
            $0.spec +=
                "\n      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a}]}}"
        }
        #expect(found.first?.contains("spec.template.spec.affinity") == true)
    }

    @Test func `Counts and limits of a Job may change, its way of counting may not`() throws {
        #expect(
            try problems {
                $0.more = "parallelism: 7\n  completions: 1\n  backoffLimit: 0\n  ttlSecondsAfterFinished: 5"
            }.isEmpty)
        #expect(
            try problems { $0.more = "completions: 5" } == ["spec.completions: Invalid value: 5: field is immutable"])
        #expect(
            try problems { $0.more = "completions: 1\n  completionMode: Indexed" }
                == ["spec.completionMode: Invalid value: \"Indexed\": field is immutable"])
        #expect(
            try problems { $0.more = "selector: {matchLabels: {a: b}}" } == [
                "spec.selector: Invalid value: field is immutable"
            ])
        #expect(
            try problems {
                $0.more = "podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: In, values: [3]}}]}"
            }
                == ["spec.podFailurePolicy: Invalid value: field is immutable"])
    }

    @Test func `An Indexed Job grows and shrinks with its parallelism`() throws {
        func job(_ count: Int, _ parallelism: Int) throws -> Job {
            try JobText(more: "completionMode: Indexed\n  completions: \(count)\n  parallelism: \(parallelism)").job()
        }
        let old = try job(3, 3)
        #expect(JobUpdateRules().problems(changing: old, to: try job(5, 5).spec).isEmpty)
        #expect(
            JobUpdateRules().problems(changing: old, to: try job(5, 3).spec).map(\.description)
                == ["spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism"])
    }

    @Test func `An accepted edit keeps uid, history and status, and a refused one keeps all`() throws {
        var old = try JobText().job()
        old.status.failed = 3
        old.status.counted = ["a", "b"]
        var new = try JobText(suspend: false).job().spec
        guard case .accepted(let job) = JobUpdateRules().change(old, to: new) else {
            Issue.record("refused")
            return
        }
        #expect(job.uid == old.uid && job.status == old.status && !job.spec.suspend)
        new.completions = 9
        guard case .rejected(let problems) = JobUpdateRules().change(old, to: new) else {
            Issue.record("accepted")
            return
        }
        #expect(problems.map(\.field) == ["spec.completions"])
    }

    @Test func `Labels of the pods of a Job that has started may change only under the newer rule`() throws {
        var old = try JobText().job()
        old.status.startTime = Timestamp(seconds: 5)
        old.status.conditions = [JobCondition(.suspended, since: Timestamp(seconds: 9))]
        let new = try JobText(metadata: "labels: {app: other}").job().spec
        #expect(JobUpdateRules().problems(changing: old, to: new).isEmpty)
        #expect(!JobUpdateRules(allowsSchedulingOfStarted: false).problems(changing: old, to: new).isEmpty)
        #expect(
            !JobUpdateRules(allowsResources: false, allowsSchedulingOfStarted: false).problems(changing: old, to: new)
                .isEmpty)
    }
}
