// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

/// A node in memory: what is on its disk, what runs, and what its kernel shows.
private struct SimulatedNode {
    struct Process: Hashable {
        var version: PodVersion
        var container: String
        var attempt: Int
    }
    var records: [String: PodRecord] = [:]
    var processes: [Process] = []
    /// Control groups by pod and container, and whether a process ever was in them.
    var groups: [String: [String: Bool]] = [:]
    /// Every start there was.
    var starts: [Process] = []
    /// What the agent keeps in its memory: lost when it is killed.
    var managed: [String: ManagedPod] = [:]
    var now = Timestamp(seconds: 0)

    var sightings: [PodSighting] {
        groups.map { uid, containers in
            PodSighting(
                uid: uid,
                containers: Dictionary(
                    uniqueKeysWithValues: containers.map { name, hasRun in
                        let isPopulated = processes.contains { $0.version.uid == uid && $0.container == name }
                        return (name, PodSighting.Container(isPopulated: isPopulated, hasRun: hasRun))
                    }))
        }
    }

    func plan(_ desired: [PodVersion]) -> NodePlan {
        NodePlan(desired: desired, records: Array(records.values), sightings: sightings)
    }

    mutating func end(_ uid: String, _ container: String) {
        processes.removeAll { $0.version.uid == uid && $0.container == container }
    }
}

/// Thrown where the agent is killed.
private struct Killed: Error {}

/// An agent that does what is planned, and may be killed before and after each thing that lasts.
private struct Agent {
    var node = SimulatedNode()
    var random: SplitMix
    /// One in so many; nil for never.
    var killsOneIn: Int?
    let specs: [String: PodSpec]

    mutating func mayBeKilled() throws {
        if let killsOneIn, Int.random(in: 0..<killsOneIn, using: &random) == 0 { throw Killed() }
        // No two processes of one container, nor of two versions of one pod. A hundred thousand expectations take seconds.
        let processes = node.processes
        for (index, one) in processes.enumerated() {
            for other in processes[..<index] where one.version.objectName == other.version.objectName {
                if one.container == other.container || one.version != other.version {
                    Issue.record("\(one) runs beside \(other)")
                }
            }
        }
    }

    mutating func look(_ desired: [PodVersion]) {
        do { try act(desired) } catch { node.managed = [:] }
    }

    private mutating func act(_ desired: [PodVersion]) throws {
        for action in node.plan(desired).actions {
            switch action {
            case .begin(let version):
                node.managed[version.uid] = ManagedPod(version, spec: try #require(specs[version.digest]))
                try carryOn(version.uid)
            case .carryOn(let uid):
                recover(uid, spec: node.records[uid].flatMap { specs[$0.version.digest] })
                try carryOn(uid)
            case .stop(let uid, hasRecord: true):
                recover(uid, spec: nil)
                node.managed[uid]?.stop(at: node.now)
                try carryOn(uid)
            case .stop(let uid, hasRecord: false):
                try mayBeKilled()
                node.processes.removeAll { $0.version.uid == uid }
            case .remove(let uid):
                try mayBeKilled()
                node.groups[uid] = nil
                try mayBeKilled()
                node.records[uid] = nil
                node.managed[uid] = nil
            case .wait: break
            }
        }
    }

    private mutating func recover(_ uid: String, spec: PodSpec?) {
        guard node.managed[uid] == nil, let record = node.records[uid] else { return }
        node.managed[uid] = ManagedPod(
            recovering: record, spec: spec, sighting: node.sightings.first { $0.uid == uid }, at: node.now)
    }

    private mutating func carryOn(_ uid: String) throws {
        guard let life = node.managed[uid]?.life else { return }
        for container in life.initContainers + life.containers where container.isRunning {
            if node.processes.contains(where: { $0.version.uid == uid && $0.container == container.name }) { continue }
            node.managed[uid]?.ended(container.name, code: Int32.random(in: 0...1, using: &random), at: node.now)
        }
        for operation in node.managed[uid]?.operations(at: node.now) ?? [] {
            try mayBeKilled()
            try perform(operation, uid)
            try mayBeKilled()
        }
    }

    private mutating func perform(_ operation: ManagedPod.Operation, _ uid: String) throws {
        switch operation {
        case .write(let record): node.records[uid] = record
        case .start(let container, let attempt):
            node.groups[uid, default: [:]][container] = false
            try mayBeKilled()
            let version = try #require(node.managed[uid]?.record.version)
            #expect(node.records[uid]?.containers[container]?.attempt == attempt)
            let process = SimulatedNode.Process(version: version, container: container, attempt: attempt)
            node.processes.append(process)
            node.starts.append(process)
            node.groups[uid]?[container] = true
            try mayBeKilled()
            node.managed[uid]?.started(container, at: node.now)
        case .signal(let container):
            if Bool.random(using: &random) { node.end(uid, container) }
            node.managed[uid]?.signalled(container)
        case .kill(let container):
            node.end(uid, container)
            try mayBeKilled()
            node.managed[uid]?.ended(container, code: 137, at: node.now)
        case .ask(let container, let kinds):
            for kind in kinds { node.managed[uid]?.answered(container, kind, true, at: node.now) }
        }
    }
}

@Suite struct NodePlanTests {
    private let web = PodVersion(name: "web", uid: "u1", digest: "d1")

    private func record(_ version: PodVersion, _ stage: PodRecord.Stage = .running) -> PodRecord {
        var record = PodRecord(version)
        record.stage = stage
        return record
    }
    private func sighting(_ uid: String, populated: Bool) -> PodSighting {
        PodSighting(uid: uid, containers: ["app": PodSighting.Container(isPopulated: populated, hasRun: true)])
    }
    private func actions(
        _ desired: [PodVersion], _ records: [PodRecord] = [], _ sightings: [PodSighting] = []
    ) -> [NodePlan.Action] {
        NodePlan(desired: desired, records: records, sightings: sightings).actions
    }

    @Test func `What is wanted and not there is begun, and what is there as wanted goes on`() {
        #expect(actions([web]) == [.begin(web)])
        #expect(actions([web], [record(web)]) == [.carryOn(uid: "u1")])
        #expect(actions([web], [record(web, .ended)], [sighting("u1", populated: false)]) == [.carryOn(uid: "u1")])
    }

    @Test func `What is not wanted is stopped while it runs and removed when it does not`() {
        #expect(actions([], [record(web)], [sighting("u1", populated: true)]) == [.stop(uid: "u1", hasRecord: true)])
        #expect(actions([], [record(web)], [sighting("u1", populated: false)]) == [.remove(uid: "u1")])
        #expect(actions([], [record(web)]) == [.remove(uid: "u1")])
    }

    @Test func `Another version takes the place of the old one when that is gone`() {
        let edited = PodVersion(name: "web", uid: "u1", digest: "d2")
        #expect(
            actions([edited], [record(web)], [sighting("u1", populated: true)]) == [.stop(uid: "u1", hasRecord: true)])
        #expect(actions([edited], [record(web)]) == [.remove(uid: "u1")])
        let other = PodVersion(name: "web", uid: "u2", digest: "d2")
        #expect(actions([other], [record(web)]) == [.remove(uid: "u1"), .wait(other, behind: "u1")])
    }

    @Test func `What was being stopped is stopped to the end, and then begun again if it is wanted again`() {
        #expect(
            actions([web], [record(web, .stopping)], [sighting("u1", populated: true)])
                == [.stop(uid: "u1", hasRecord: true)])
        #expect(actions([web], [record(web, .stopping)]) == [.remove(uid: "u1")])
    }

    @Test func `What runs without a record is killed, and everything new waits for that`() {
        let desired = PodVersion(name: "new", uid: "u0", digest: "d")
        #expect(
            actions([desired], [], [sighting("u9", populated: true)])
                == [.wait(desired, behind: "u9"), .stop(uid: "u9", hasRecord: false)])
    }

    @Test func `A start that was written down and did not happen is made up for, and one that did is not`() {
        var pod = ManagedPod(web, spec: PodSpec(containers: [Container(name: "app")], restartPolicy: .never))
        let now = Timestamp(seconds: 9)
        let operations = pod.operations(at: now)
        guard case .write(let record)? = operations.first else {
            Issue.record("nothing is written")
            return
        }
        #expect(operations.dropFirst() == [.start(container: "app", attempt: 1)])
        let spec = pod.life.spec
        for (seen, expected) in [
            (nil, [.write(record), .start(container: "app", attempt: 1)]), (true, []), (false, nil),
        ] as [(Bool?, [ManagedPod.Operation]?)] {
            var found = ManagedPod(
                recovering: record, spec: spec, sighting: seen.map { sighting("u1", populated: $0) }, at: now)
            let operations = found.operations(at: now)
            if let expected {
                #expect(operations == expected || operations == Array(expected.dropFirst()))
            } else {
                // It ended while nobody looked: it is not started a second time.
                #expect(found.record.stage == .ended && found.life.phase == .failed)
                #expect(operations == [.write(found.record)])
            }
        }
    }

    @Test func `A container that cannot be started waits as one that ended, over a restart of the agent, too`() {
        let now = Timestamp(seconds: 0)
        var pod = ManagedPod(web, spec: PodSpec(containers: [Container(name: "app")]))
        var record = pod.record
        var time = now
        for attempt in 1...3 {
            time = pod.life.nextTime(after: now) ?? now
            for operation in pod.operations(at: time) {
                if case .write(let written) = operation { record = written }
                if case .start(_, let number) = operation { #expect(number == attempt) }
            }
            pod.startFailed("app", at: time)
        }
        #expect(pod.life.nextTime(after: now) == now + .seconds(30))
        for case .write(let written) in pod.operations(at: now) { record = written }
        let found = ManagedPod(recovering: record, spec: pod.life.spec, sighting: nil, at: time)
        #expect(found.life.nextTime(after: time) == now + .seconds(30))
        #expect(found.life["app"]?.restartCount == 2)
        // By a clock that was set back, it waits no longer.
        let early = Timestamp(seconds: -1_000_000)
        let back = ManagedPod(recovering: record, spec: pod.life.spec, sighting: nil, at: early)
        #expect(back.life.nextTime(after: early) == early + .seconds(20))
    }

    @Test func `After the machine was started again what ran has ended, and init containers run once more`() {
        let now = Timestamp(seconds: 100)
        func record(_ policy: RestartPolicy) -> (PodSpec, PodRecord) {
            let spec = PodSpec(
                containers: [Container(name: "app")], initContainers: [Container(name: "init")], restartPolicy: policy)
            var pod = ManagedPod(web, spec: spec)
            _ = pod.operations(at: now)
            pod.started("init", at: now)
            pod.ended("init", code: 0, at: now)
            _ = pod.operations(at: now)
            pod.started("app", at: now)
            return (spec, pod.record)
        }
        let (always, running) = record(.always)
        let again = running.afterReboot(of: always, at: now)
        #expect(again.containers.keys.sorted() == ["app", "init"])
        var recovered = ManagedPod(recovering: again, spec: always, sighting: nil, at: now)
        #expect(recovered.operations(at: now).last == .start(container: "init", attempt: 2))
        recovered.started("init", at: now)
        recovered.ended("init", code: 0, at: now)
        #expect(recovered.operations(at: now).last == .start(container: "app", attempt: 2))
        // What has succeeded is not done again unless it always is.
        var mixed = again
        mixed.containers["app"]?.exit = ContainerRecord.Exit(code: 0, time: now)
        mixed.containers["other"] = ContainerRecord(attempt: 1, begunAt: now, backoff: CrashLoopBackoff())
        var two = always
        two.containers.append(Container(name: "other"))
        two.restartPolicy = .onFailure
        let later = mixed.afterReboot(of: two, at: now)
        #expect(later.containers["app"]?.exit?.code == 0 && later.containers["other"]?.attempt == 2)
        var onFailure = ManagedPod(recovering: later, spec: two, sighting: nil, at: now)
        #expect(onFailure.operations(at: now).last == .start(container: "init", attempt: 3))
        // What is never started again has failed.
        let (never, once) = record(.never)
        let failed = ManagedPod(recovering: once.afterReboot(of: never, at: now), spec: never, sighting: nil, at: now)
        #expect(failed.life.hasEnded && failed.life.phase == .failed)
    }

    @Test func `A grace period begins when a probe is answered, whenever it was asked`() {
        var pod = ManagedPod(
            web,
            spec: PodSpec(containers: [
                Container(
                    name: "app",
                    livenessProbe: Probe(
                        .exec(["check"]), timeout: .seconds(30), failureThreshold: 1,
                        terminationGracePeriod: .seconds(10)))
            ]))
        let now = Timestamp(seconds: 100)
        _ = pod.operations(at: now)
        pod.started("app", at: now)
        pod.answered("app", .liveness, false, askedAt: now, at: now + .seconds(30))
        #expect(pod.operations(at: now + .seconds(30)) == [.signal(container: "app")])
        #expect(pod.operations(at: now + .seconds(40)) == [.kill(container: "app")])
    }

    @Test func `Killed at any instant and started again, an agent loses none and starts none twice`() {
        let specs: [String: PodSpec] = [
            "two": PodSpec(containers: [Container(name: "a"), Container(name: "b")], terminationGracePeriodSeconds: 3),
            "init": PodSpec(
                containers: [Container(name: "a")],
                initContainers: [Container(name: "i"), Container(name: "s", restartPolicy: .always)],
                terminationGracePeriodSeconds: 0),
            "once": PodSpec(containers: [Container(name: "a")], restartPolicy: .never),
        ]
        for seed in 0..<50 {
            var agent = Agent(random: SplitMix(state: UInt64(seed)), killsOneIn: 6, specs: specs)
            var desired: [PodVersion] = []
            for _ in 0..<80 {
                agent.node.now = agent.node.now + .seconds(1)
                if Int.random(in: 0..<8, using: &agent.random) == 0 {
                    let name = ["x", "y", "z"].randomElement(using: &agent.random) ?? "x"
                    desired.removeAll { $0.name == name }
                    if Int.random(in: 0..<4, using: &agent.random) > 0 {
                        desired.append(
                            PodVersion(
                                name: name, uid: name + ["1", "2"][Int.random(in: 0..<2, using: &agent.random)],
                                digest: specs.keys.sorted().randomElement(using: &agent.random) ?? "two"))
                    }
                }
                if Int.random(in: 0..<4, using: &agent.random) == 0,
                    let victim = agent.node.processes.randomElement(using: &agent.random)
                {
                    agent.node.end(victim.version.uid, victim.container)
                }
                agent.look(desired)
            }
            agent.killsOneIn = nil
            for _ in 0..<60 {
                agent.node.now = agent.node.now + .seconds(60)
                // Init containers have to end to let the others begin.
                agent.node.processes.removeAll { $0.container == "i" }
                agent.look(desired)
            }
            #expect(Set(agent.node.records.values.map(\.version)) == Set(desired))
            for version in desired {
                let expected: Set<String> =
                    version.digest == "two" ? ["a", "b"] : version.digest == "init" ? ["a", "s"] : ["a"]
                let found = Set(agent.node.processes.filter { $0.version == version }.map(\.container))
                #expect(found == expected || version.digest == "once" && found.isEmpty)
            }
            #expect(agent.node.processes.allSatisfy { desired.contains($0.version) })
            #expect(agent.node.groups.keys.allSatisfy { uid in desired.contains { $0.uid == uid } })
        }
    }

    @Test func `What runs once runs once, however often the agent is killed`() {
        let specs = ["once": PodSpec(containers: [Container(name: "a")], restartPolicy: .never)]
        for seed in 0..<60 {
            var agent = Agent(random: SplitMix(state: UInt64(seed)), killsOneIn: 3, specs: specs)
            for round in 0..<60 {
                agent.node.now = agent.node.now + .seconds(1)
                if round % 5 == 4 { agent.node.processes = [] }
                agent.look([PodVersion(name: "x", uid: "x", digest: "once")])
            }
            agent.killsOneIn = nil
            agent.look([PodVersion(name: "x", uid: "x", digest: "once")])
            #expect(agent.node.starts.count == 1)
        }
    }
}
