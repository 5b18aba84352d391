// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

/// A Job whose pods do what a test says, and whose decisions are carried out.
struct JobRun {
    var job: Job
    var pods: [JobPod] = []
    var now = Timestamp(seconds: 1_000_000)
    var events: [String] = []
    /// What the last look decided.
    var last = JobDecision(status: JobStatus())

    init(
        parallelism: Int32? = nil, completions: Int32? = nil, indexed: Bool = false, backoffLimit: Int32 = 6,
        restartPolicy: RestartPolicy = .never, change: (inout JobSpec) -> Void = { _ in }
    ) {
        var spec = JobSpec(
            parallelism: parallelism, completions: completions, completionMode: indexed ? .indexed : .nonIndexed,
            backoffLimit: backoffLimit,
            template: PodTemplate(spec: PodSpec(containers: [Container(name: "app")], restartPolicy: restartPolicy)))
        change(&spec)
        job = Job(name: "train", uid: "uid", spec: spec)
    }

    /// Looks once and does what is decided. Pods that are stopped stay until they are told to be gone.
    mutating func look() {
        last = job.decision(with: pods, at: now)
        job.status = last.status
        events += last.events.map(\.reason)
        for deletion in last.delete {
            guard let index = pods.firstIndex(where: { $0.uid == deletion.uid }) else { continue }
            pods[index].isTerminating = true
            pods[index].isReleased = deletion.isReleased
        }
        for creation in last.create {
            pods.append(
                JobPod(
                    name: creation.name, uid: "u\(creation.serial)", serial: creation.serial, index: creation.index,
                    phase: .running, isReady: true))
        }
    }

    mutating func end(_ serial: UInt64, _ phase: PodPhase, code: Int32? = nil) {
        guard let index = pods.firstIndex(where: { $0.serial == serial }) else { return }
        pods[index].phase = phase
        pods[index].finishedAt = now
        pods[index].exits = [JobPod.Exit(container: "app", code: code ?? (phase == .failed ? 1 : 0))]
    }

    /// Those that are being stopped are gone.
    mutating func reap() { pods.removeAll { $0.isTerminating } }

    var created: [String] { last.create.map(\.name) }
}

@Suite struct JobDecisionTests {
    @Test func `A Job of one pod starts it, waits for it and is complete`() {
        var run = JobRun()
        run.look()
        #expect(run.created == ["train-1"])
        #expect(run.job.status.active == 1 && run.job.status.startTime == run.now)
        run.look()
        #expect(run.created.isEmpty && run.last.again == nil && run.job.status.ready == 1)
        run.now = run.now + .seconds(60)
        run.end(1, .succeeded)
        run.look()
        #expect(run.job.status.finished?.type == .complete)
        #expect(run.job.status.finished?.reason == "CompletionsReached")
        #expect(run.job.status.succeeded == 1 && run.job.status.active == 0)
        #expect(run.job.status.completionTime == run.now && run.events == ["Completed"])
        run.look()
        #expect(run.created.isEmpty && run.events == ["Completed"])
    }

    @Test func `No more pods run at a time than asked for, and none more than are still to succeed`() {
        var run = JobRun(parallelism: 3, completions: 5)
        run.look()
        #expect(run.created.count == 3)
        run.end(1, .succeeded)
        run.end(2, .succeeded)
        run.look()
        #expect(run.created == ["train-4", "train-5"])
        run.end(3, .succeeded)
        run.look()
        #expect(run.created.isEmpty && run.job.status.active == 2)
        run.end(4, .succeeded)
        run.end(5, .succeeded)
        run.look()
        #expect(run.job.status.finished?.type == .complete && run.job.status.succeeded == 5)
    }

    @Test func `Without a number of completions the first success is the end, when the others have ended`() {
        var run = JobRun(parallelism: 3)
        run.look()
        run.end(1, .succeeded)
        run.look()
        #expect(run.created.isEmpty && run.last.delete.isEmpty && run.job.status.finished == nil)
        run.end(2, .failed)
        run.end(3, .succeeded)
        run.look()
        #expect(run.job.status.finished?.type == .complete && run.job.status.failed == 1)
    }

    @Test func `A failed pod is replaced after 10 seconds, then 20, and at most 10 minutes`() {
        var run = JobRun(backoffLimit: 100)
        run.look()
        var waits: [Int64] = []
        for serial in 1...9 {
            run.end(UInt64(serial), .failed)
            run.look()
            #expect(run.created.isEmpty)
            let again = run.last.again ?? run.now
            waits.append((again - run.now).components.seconds)
            run.now = again - .milliseconds(1)
            run.look()
            #expect(run.created.isEmpty)
            run.now = again
            run.look()
            #expect(run.created == ["train-\(serial + 1)"])
        }
        #expect(waits == [10, 20, 40, 80, 160, 320, 600, 600, 600])
    }

    @Test func `A success ends the back-off`() {
        var run = JobRun(parallelism: 1, completions: 10, backoffLimit: 100)
        run.look()
        run.end(1, .failed)
        run.look()
        run.now = run.now + .seconds(10)
        run.look()
        run.end(2, .succeeded)
        run.look()
        #expect(run.created == ["train-3"] && run.job.status.consecutiveFailures == 0)
        run.end(3, .failed)
        run.look()
        #expect(run.last.again == run.now + .seconds(10))
    }

    @Test func `A Job with more failures than its limit stops what runs and has failed when that has ended`() {
        var run = JobRun(parallelism: 2, completions: 4, backoffLimit: 1)
        run.look()
        run.end(1, .failed)
        run.look()
        #expect(run.job.status.finished == nil && run.job.status.failed == 1)
        run.now = run.now + .seconds(10)
        run.look()
        #expect(run.created == ["train-3"])
        run.end(3, .failed)
        run.look()
        #expect(run.last.delete == [JobDecision.Deletion(uid: "u2", isReleased: false)])
        #expect(run.job.status.isTrue(.failureTarget)?.reason == "BackoffLimitExceeded")
        #expect(run.job.status.finished == nil && run.job.status.terminating == 1)
        // The pod that is stopped for it counts as failed, and only once.
        #expect(run.job.status.failed == 3)
        run.end(2, .failed)
        run.look()
        #expect(run.job.status.finished?.type == .failed && run.job.status.failed == 3)
        #expect(run.job.status.finished?.message == "Job has reached the specified backoff limit")
        #expect(run.events == ["BackoffLimitExceeded"])
    }

    @Test(arguments: [(0, 0, false), (0, 1, true), (3, 2, false), (3, 3, true)] as [(Int32, Int32, Bool)])
    func `Restarts of containers count against the limit when the pod itself never fails`(
        limit: Int32, restarts: Int32, fails: Bool
    ) {
        var run = JobRun(backoffLimit: limit, restartPolicy: .onFailure)
        run.look()
        run.pods[0].restarts = restarts
        run.look()
        #expect((run.job.status.isTrue(.failureTarget) != nil) == fails)
    }

    @Test func `A Job that is active for too long fails`() {
        var run = JobRun { $0.activeDeadlineSeconds = 100 }
        run.look()
        #expect(run.last.again == run.now + .seconds(100))
        run.now = run.now + .seconds(100)
        run.look()
        #expect(run.job.status.isTrue(.failureTarget)?.reason == "DeadlineExceeded" && run.last.delete.count == 1)
        run.reap()
        run.look()
        #expect(run.job.status.finished?.reason == "DeadlineExceeded")
    }

    @Test func `A suspended Job stops its pods without counting them, and begins its time again when resumed`() {
        var run = JobRun(parallelism: 2, completions: 2) { $0.activeDeadlineSeconds = 100 }
        run.look()
        run.job.spec.suspend = true
        run.now = run.now + .seconds(50)
        run.look()
        #expect(run.last.delete == ["u1", "u2"].map { JobDecision.Deletion(uid: $0, isReleased: true) })
        #expect(run.job.status.active == 0 && run.job.status.terminating == 2 && run.job.status.ready == 0)
        #expect(run.job.status.isTrue(.suspended)?.reason == "JobSuspended")
        run.end(1, .failed)
        run.end(2, .succeeded)
        run.look()
        #expect(run.job.status.failed == 0 && run.job.status.succeeded == 0 && run.created.isEmpty)
        run.now = run.now + .seconds(5000)
        run.look()
        #expect(run.last.again == nil)
        run.job.spec.suspend = false
        run.look()
        #expect(run.job.status.startTime == run.now && run.last.again == run.now + .seconds(100))
        #expect(run.job.status.conditions.map(\.status) == [false])
        #expect(run.job.status.conditions.first?.reason == "JobResumed")
        #expect(run.created == ["train-3", "train-4"] && run.events == ["Suspended", "Resumed"])
    }

    @Test func `A Job that is made suspended has no time until it is resumed`() {
        var run = JobRun { $0.suspend = true }
        run.look()
        #expect(run.job.status.startTime == nil && run.created.isEmpty)
        #expect(run.job.status.isTrue(.suspended) != nil)
        run.job.spec.suspend = false
        run.look()
        #expect(run.job.status.startTime == run.now && run.created.count == 1)
    }

    @Test func `Fewer at a time stops the least advanced pods, more makes some`() {
        var run = JobRun(parallelism: 4, completions: 10)
        run.look()
        run.pods[0].phase = .pending
        run.pods[0].isReady = false
        run.pods[2].isReady = false
        run.job.spec.parallelism = 1
        run.look()
        #expect(run.last.delete.map(\.uid) == ["u1", "u3", "u4"])
        #expect(run.job.status.active == 1)
        run.reap()
        run.job.spec.parallelism = 3
        run.look()
        #expect(run.created == ["train-5", "train-6"] && run.job.status.failed == 0)
    }

    @Test func `A pod that somebody stops is a failure at once, or when it has ended`() {
        for (policy, failed) in [(PodReplacementPolicy.terminatingOrFailed, Int32(1)), (.failed, 0)] {
            var run = JobRun { $0.podReplacementPolicy = policy }
            run.look()
            run.pods[0].isTerminating = true
            run.look()
            #expect(run.job.status.failed == failed && run.job.status.terminating == 1 && run.job.status.active == 0)
            run.now = run.now + .seconds(20)
            run.look()
            #expect(run.created.count == Int(failed))
            run.end(1, .failed)
            run.look()
            #expect(run.job.status.failed == 1)
        }
    }

    @Test func `Each index is done once, by one pod at a time`() {
        var run = JobRun(parallelism: 2, completions: 4, indexed: true)
        run.look()
        #expect(run.last.create.map(\.index) == [0, 1] && run.created == ["train-0-1", "train-1-2"])
        run.end(2, .succeeded)
        run.look()
        #expect(run.created == ["train-2-3"] && run.job.status.completedIndexes.description == "1")
        run.end(1, .failed)
        run.look()
        run.now = run.now + .seconds(10)
        run.look()
        #expect(run.created == ["train-0-4"])
        run.end(3, .succeeded)
        run.look()
        #expect(run.created == ["train-3-5"])
        run.end(4, .succeeded)
        run.end(5, .succeeded)
        run.look()
        #expect(run.job.status.completedIndexes.description == "0-3" && run.job.status.succeeded == 4)
        #expect(run.job.status.finished?.type == .complete && run.job.status.failed == 1)
    }

    @Test func `Of two pods of one index one is stopped, and so is one whose index there is not any more`() {
        var run = JobRun(parallelism: 3, completions: 3, indexed: true)
        run.look()
        run.pods.append(JobPod(name: "x", uid: "twin", serial: 9, index: 1, phase: .pending))
        run.job.spec.completions = 2
        run.job.spec.parallelism = 2
        run.look()
        #expect(Set(run.last.delete.map(\.uid)) == ["twin", "u3"])
        #expect(run.job.status.active == 2)
    }

    @Test func `A failure policy ignores some failures and ends the Job for others`() {
        let policy = PodFailurePolicy(rules: [
            PodFailurePolicy.Rule(.failJob, onExitCodes: PodFailurePolicy.ExitCodes(.isIn, [42])),
            PodFailurePolicy.Rule(.ignore, onPodConditions: [PodFailurePolicy.PodCondition(type: "DisruptionTarget")]),
            PodFailurePolicy.Rule(.ignore, onExitCodes: PodFailurePolicy.ExitCodes(containerName: "app", .isIn, [143])),
        ])
        var run = JobRun(backoffLimit: 0) {
            $0.podFailurePolicy = policy
            $0.podReplacementPolicy = .failed
        }
        run.look()
        run.end(1, .failed, code: 143)
        run.look()
        #expect(run.job.status.failed == 0 && run.job.status.isTrue(.failureTarget) == nil)
        run.now = run.now + .seconds(10)
        run.look()
        run.pods[1].conditions["DisruptionTarget"] = "True"
        run.end(2, .failed, code: 1)
        run.look()
        #expect(run.job.status.failed == 0 && run.job.status.isTrue(.failureTarget) == nil)
        run.now = run.now + .seconds(20)
        run.look()
        run.end(3, .failed, code: 42)
        run.look()
        #expect(run.job.status.finished?.reason == "PodFailurePolicy")
        #expect(
            run.job.status.finished?.message
                == "Container app for pod default/train-3 failed with exit code 42 matching FailJob rule at index 0")
    }

    @Test func `A finished Job expires when its time to live is over`() {
        var run = JobRun { $0.ttlSecondsAfterFinished = 30 }
        run.look()
        run.end(1, .succeeded)
        run.look()
        #expect(!run.last.isExpired && run.last.again == run.now + .seconds(30))
        run.now = run.now + .seconds(30)
        run.look()
        #expect(run.last.isExpired && run.last.again == nil)
    }

    @Test func `A Job of no completions is complete without a pod`() {
        var run = JobRun(completions: 0)
        run.look()
        #expect(run.created.isEmpty && run.job.status.finished?.type == .complete)
    }

    @Test func `At most five hundred pods are made in one look`() {
        var run = JobRun(parallelism: 1200, completions: 1200)
        run.look()
        #expect(run.created.count == 500)
        run.look()
        run.look()
        #expect(run.pods.count == 1200 && Set(run.pods.map(\.name)).count == 1200)
    }

    @Test func `Whatever is lost of a decision, every success counts once and the Job ends as it should`() {
        var random = SplitMix(state: 5440)
        for round in 0..<60 {
            let completions = Int32.random(in: 1...6, using: &random)
            var run = JobRun(
                parallelism: Int32.random(in: 1...4, using: &random), completions: completions,
                indexed: round % 2 == 0, backoffLimit: 1000)
            var succeeded: Set<String> = []
            var steps = 0
            while run.job.status.finished == nil, steps < 3000 {
                steps += 1
                run.now = run.now + .seconds(Int.random(in: 0..<400, using: &random))
                let before = run.job.status
                run.last = run.job.decision(with: run.pods, at: run.now)
                #expect(run.job.decision(with: run.pods, at: run.now) == run.last)
                // Killed before the status is on disk, nothing else was done either.
                if Int.random(in: 0..<4, using: &random) == 0 { continue }
                run.job.status = run.last.status
                #expect(run.job.status.succeeded >= before.succeeded || round % 2 == 0)
                #expect(run.job.status.failed >= before.failed)
                for deletion in run.last.delete where Bool.random(using: &random) {
                    guard let index = run.pods.firstIndex(where: { $0.uid == deletion.uid }) else { continue }
                    run.pods[index].isReleased = deletion.isReleased
                    run.pods[index].isTerminating = true
                }
                for creation in run.last.create where Bool.random(using: &random) {
                    run.pods.append(
                        JobPod(
                            name: creation.name, uid: "u\(creation.name)", serial: creation.serial,
                            index: creation.index, phase: .running))
                }
                #expect(Set(run.pods.map(\.name)).count == run.pods.count)
                #expect(run.pods.count { $0.isActive } <= Int(run.job.spec.parallelism))
                // What ended and is counted may go.
                run.pods.removeAll {
                    ($0.hasEnded || $0.isReleased) && (run.job.status.counted.contains($0.uid) || $0.isReleased)
                        && Int.random(in: 0..<3, using: &random) == 0
                }
                for pod in run.pods where pod.isActive && Int.random(in: 0..<3, using: &random) == 0 {
                    let isGood = Int.random(in: 0..<3, using: &random) > 0
                    run.end(pod.serial, isGood ? .succeeded : .failed)
                    if isGood { succeeded.insert(pod.uid) }
                }
                if Int.random(in: 0..<20, using: &random) == 0 { run.job.spec.suspend.toggle() }
                if steps > 400 { run.job.spec.suspend = false }
            }
            #expect(run.job.status.finished?.type == .complete)
            #expect(run.job.status.succeeded == completions)
            #expect(run.job.spec.completionMode == .indexed || succeeded.count >= Int(completions))
        }
    }

    @Test func `A pod of an index knows it by its environment and its host name`() throws {
        var run = JobRun(completions: 2, indexed: true) {
            $0.parallelism = 2
            $0.template.spec.containers.append(
                Container(name: "own", env: [EnvironmentVariable(name: "JOB_COMPLETION_INDEX", value: "mine")]))
            $0.template.spec.initContainers = [Container(name: "setup")]
        }
        run.look()
        let creation = try #require(run.last.create.last)
        let pod = run.job.pod(creation, uid: "u2")
        #expect(pod.description == "default/train-1-2" && pod.spec.hostname == "train-1")
        let values = (pod.spec.containers + pod.spec.initContainers).map { $0.env.map(\.description) }
        #expect(values == [["JOB_COMPLETION_INDEX=1"], ["JOB_COMPLETION_INDEX=mine"], ["JOB_COMPLETION_INDEX=1"]])
    }

    @Test func `A Job sees of a living pod its phase, its restarts and how its containers ended`() throws {
        var run = JobRun(restartPolicy: .onFailure)
        run.look()
        let creation = try #require(run.last.create.first)
        var life = PodLife(run.job.pod(creation, uid: "u1").spec)
        life.tell("app") { $0.started(at: run.now) }
        #expect(JobPod(creation, uid: "u1", life: life).phase == .running)
        life.tell("app") { $0.ended(3, at: run.now) }
        life.tell("app") { $0.started(at: run.now) }
        #expect(JobPod(creation, uid: "u1", life: life).restarts == 1)
        life.tell("app") { $0.ended(0, at: run.now + .seconds(9)) }
        let pod = JobPod(creation, uid: "u1", life: life)
        #expect(pod.phase == .succeeded && pod.finishedAt == run.now + .seconds(9) && !pod.isTerminating)
        #expect(pod.exits == [JobPod.Exit(container: "app", code: 0)] && pod.serial == 1)
    }
}
