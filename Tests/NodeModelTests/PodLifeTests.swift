// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

private func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }

@Suite struct PodLifeTests {
    private func pod(
        _ containers: [String], initContainers: [Container] = [], policy: RestartPolicy = .always
    ) -> PodLife {
        PodLife(
            PodSpec(
                containers: containers.map { Container(name: $0) }, initContainers: initContainers,
                restartPolicy: policy))
    }

    /// What is to be done, as `app start`.
    private func steps(_ pod: PodLife, _ now: Timestamp) -> [String] {
        pod.steps(at: now).compactMap { name, step in
            switch step {
            case .start: "\(name) start"
            case .signal: "\(name) signal"
            case .kill: "\(name) kill"
            case .ask(let kinds): "\(name) ask \(kinds.map(\.rawValue).joined(separator: ","))"
            case .wait, .nothing: nil
            }
        }
    }

    @Test func `Containers start together and the pod runs when one does`() {
        var life = pod(["a", "b"])
        #expect(steps(life, at(0)) == ["a start", "b start"] && life.phase == .pending)
        life.tell("a") { $0.started(at: at(0)) }
        #expect(life.phase == .running && !life.isReady)
        life.tell("b") { $0.started(at: at(0)) }
        #expect(life.isReady)
    }

    @Test func `Init containers run one after the other, each to its success`() {
        var life = pod(["app"], initContainers: [Container(name: "one"), Container(name: "two")])
        #expect(steps(life, at(0)) == ["one start"])
        life.tell("one") { $0.started(at: at(0)) }
        #expect(steps(life, at(1)).isEmpty && life.phase == .pending)
        life.tell("one") { $0.ended(1, at: at(1)) }
        #expect(steps(life, at(1)) == ["one start"])
        life.tell("one") { $0.started(at: at(1)) }
        life.tell("one") { $0.ended(0, at: at(2)) }
        #expect(steps(life, at(2)) == ["two start"])
        life.tell("two") { $0.started(at: at(2)) }
        life.tell("two") { $0.ended(0, at: at(3)) }
        #expect(steps(life, at(3)) == ["app start"] && life.isInitialized)
    }

    @Test func `A failed init container ends a pod that restarts nothing`() {
        var life = pod(["app"], initContainers: [Container(name: "one")], policy: .never)
        life.tell("one") { $0.started(at: at(0)) }
        life.tell("one") { $0.ended(3, at: at(1)) }
        life.advance(at: at(1))
        #expect(steps(life, at(1)).isEmpty && life.hasEnded && life.phase == .failed)
    }

    @Test func `A sidecar only has to start before the next, and ends after the containers`() {
        let proxy = Container(
            name: "proxy", restartPolicy: .always, startupProbe: Probe(.exec(["up"]), period: .seconds(1)))
        let log = Container(name: "log", restartPolicy: .always)
        var life = pod(["app"], initContainers: [proxy, log], policy: .never)
        life.tell("proxy") { $0.started(at: at(0)) }
        #expect(steps(life, at(0)) == ["proxy ask startup"])
        life.tell("proxy") { $0.answered(.startup, true, at: at(0)) }
        #expect(steps(life, at(0)) == ["log start"])
        life.tell("log") { $0.started(at: at(0)) }
        #expect(steps(life, at(0)) == ["app start"])
        life.tell("app") { $0.started(at: at(0)) }
        life.tell("log") { $0.ended(0, at: at(5)) }
        #expect(steps(life, at(5)) == ["log start"] && life.phase == .running)
        life.tell("log") { $0.started(at: at(5)) }

        life.tell("app") { $0.ended(0, at: at(9)) }
        life.advance(at: at(9))
        #expect(steps(life, at(9)) == ["log signal"] && !life.hasEnded)
        life.tell("log") { $0.signalled() }
        life.tell("log") { $0.ended(143, at: at(10)) }
        life.advance(at: at(10))
        #expect(steps(life, at(10)) == ["proxy signal"])
        life.tell("proxy") { $0.ended(143, at: at(11)) }
        life.advance(at: at(11))
        #expect(life.hasEnded && life.phase == .succeeded && steps(life, at(11)).isEmpty)
    }

    @Test(
        arguments: [
            (.never, [0, 0], .succeeded), (.never, [0, 1], .failed), (.onFailure, [0, 0], .succeeded),
            (.onFailure, [0, 1], .running), (.always, [0, 0], .running),
        ] as [(RestartPolicy, [Int32], PodPhase)])
    func `The phase follows from exit codes and policy`(policy: RestartPolicy, codes: [Int32], phase: PodPhase) {
        var life = pod(["a", "b"], policy: policy)
        for (name, code) in zip(["a", "b"], codes) {
            life.tell(name) { $0.started(at: at(0)) }
            life.tell(name) { $0.ended(code, at: at(1)) }
        }
        #expect(life.phase == phase)
    }

    @Test func `A pod that is to end has its grace period in all, sidecars among it`() {
        let proxy = Container(name: "proxy", restartPolicy: .always)
        var life = pod(["a", "b"], initContainers: [proxy])
        for name in ["proxy", "a", "b"] { life.tell(name) { $0.started(at: at(0)) } }
        life.stop(at: at(100), gracePeriod: .seconds(10))
        #expect(steps(life, at(100)) == ["a signal", "b signal"])
        life.tell("a") { $0.signalled() }
        life.tell("b") { $0.signalled() }
        life.tell("a") { $0.ended(0, at: at(101)) }
        life.advance(at: at(101))
        #expect(steps(life, at(101)).isEmpty && life.nextTime(after: at(101)) == at(110))
        life.advance(at: at(110))
        #expect(steps(life, at(110)) == ["b kill"])
        life.tell("b") { $0.ended(137, at: at(110)) }
        life.advance(at: at(110))
        #expect(steps(life, at(110)) == ["proxy kill"])
        life.tell("proxy") { $0.ended(137, at: at(110)) }
        #expect(life.hasEnded && life.phase == .failed)
    }

    @Test func `A pod that is stopped before it began starts nothing`() {
        var life = pod(["app"], initContainers: [Container(name: "one")])
        life.stop(at: at(0))
        #expect(steps(life, at(0)).isEmpty && life.hasEnded)
    }

    @Test func `A container that waits for its restart says when to look again`() {
        var life = pod(["a"])
        life.tell("a") { $0.started(at: at(0)) }
        life.tell("a") { $0.ended(1, at: at(0)) }
        life.tell("a") { $0.started(at: at(0)) }
        life.tell("a") { $0.ended(1, at: at(1)) }
        #expect(life.nextTime(after: at(1)) == at(11))
    }
}
