// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

private let zero = Timestamp(seconds: 0)
private func at(_ seconds: Int64) -> Timestamp { zero + .seconds(seconds) }

@Suite struct CrashLoopBackoffTests {
    @Test func `A container that ends at once waits 10 s, 20 s and so on, up to 5 minutes`() {
        var backoff = CrashLoopBackoff()
        var now = zero
        var waits: [Int64] = []
        for _ in 0..<8 {
            let time = backoff.restartTime(endedAt: now)
            waits.append((time - now).components.seconds)
            backoff.restarted(endedAt: now, at: time)
            now = time
        }
        #expect(waits == [0, 10, 20, 40, 80, 160, 300, 300])
    }

    @Test func `One that ran for more than 10 minutes begins again`() {
        var backoff = CrashLoopBackoff()
        for _ in 0..<4 { backoff.restarted(endedAt: zero, at: zero) }
        #expect(backoff.restartTime(endedAt: at(600)) == at(680))
        #expect(backoff.restartTime(endedAt: at(601)) == at(601))
        backoff.restarted(endedAt: at(601), at: at(601))
        #expect(backoff.delay == .seconds(10))
    }

    @Test func `The longest wait can be made shorter`() {
        var backoff = CrashLoopBackoff(initial: .seconds(10), limit: .seconds(1))
        backoff.restarted(endedAt: zero, at: zero)
        #expect(backoff.restartTime(endedAt: at(1)) == at(2))
    }
}

@Suite struct TerminationTests {
    @Test func `The signal comes first, and the kill when the grace period is over`() {
        var end = Termination(at: zero, gracePeriod: .seconds(30))
        #expect(end.step(at: zero) == .signal)
        end.signalled()
        #expect(end.step(at: at(29)) == .wait(until: at(30)))
        #expect(end.step(at: at(30)) == .kill)
    }

    @Test func `Asked again it is sooner, never later`() {
        var end = Termination(at: zero, gracePeriod: .seconds(30))
        end.hasten(to: .seconds(60), at: at(5))
        #expect(end.killTime == at(30))
        end.hasten(to: .seconds(2), at: at(5))
        #expect(end.killTime == at(7))
        #expect(Termination(at: zero, gracePeriod: .zero).step(at: zero) == .kill)
    }
}

@Suite struct ProbeStateTests {
    private func container(
        startup: Probe? = nil, liveness: Probe? = nil, readiness: Probe? = nil
    ) -> ContainerProbes {
        ContainerProbes(
            Container(name: "app", startupProbe: startup, livenessProbe: liveness, readinessProbe: readiness))
    }
    private let ask = Probe.Action.exec(["true"])

    @Test func `Without probes a container is ready when it runs`() {
        var probes = container()
        #expect(!probes.isReady && !probes.hasStarted)
        probes.begin(at: zero)
        #expect(probes.isReady && probes.hasStarted && probes.nextTime == nil)
        probes.ended()
        #expect(!probes.isReady)
    }

    @Test func `A probe is asked after its delay and then each period`() {
        var probes = container(liveness: Probe(ask, initialDelay: .seconds(5), period: .seconds(3)))
        probes.begin(at: zero)
        #expect(probes.due(at: at(4)).isEmpty && probes.nextTime == at(5))
        #expect(probes.due(at: at(5)) == [.liveness])
        #expect(probes.answered(.liveness, true, at: at(5)) == false)
        #expect(probes.nextTime == at(8))
    }

    @Test func `A container is stopped after so many failures in a row, and then asked no more`() {
        var probes = container(liveness: Probe(ask, failureThreshold: 3))
        probes.begin(at: zero)
        let answers: [Bool?] = [false, false, true, false, nil, false, false]
        let stopped = answers.enumerated().map { probes.answered(.liveness, $1, at: at(Int64($0) * 10)) }
        #expect(stopped == [false, false, false, false, false, false, true])
        #expect(probes.nextTime == nil && probes[.liveness]?.isPassing == false)
    }

    @Test func `A container is ready after so many good answers, and not ready after so many bad ones`() {
        var probes = container(readiness: Probe(ask, successThreshold: 2, failureThreshold: 2))
        probes.begin(at: zero)
        var ready: [Bool] = []
        for (index, answer) in [true, true, false, true, false, false, true, true].enumerated() {
            #expect(probes.answered(.readiness, answer, at: at(Int64(index) * 10)) == false)
            ready.append(probes.isReady)
        }
        #expect(ready == [false, true, true, true, true, false, false, true])
    }

    @Test func `The other probes wait for the startup probe, which is asked no more once it succeeded`() {
        var probes = container(
            startup: Probe(ask, period: .seconds(1), failureThreshold: 30),
            liveness: Probe(ask, initialDelay: .seconds(5)), readiness: Probe(ask))
        probes.begin(at: zero)
        #expect(probes.due(at: at(100)) == [.startup])
        #expect(probes.answered(.startup, false, at: zero) == false)
        #expect(probes.answered(.startup, true, at: at(3)) == false)
        #expect(probes.hasStarted && !probes.isReady)
        #expect(probes.due(at: at(3)) == [.readiness] && probes.due(at: at(5)) == [.liveness, .readiness])
        #expect(probes[.startup]?.nextTime == nil)
    }

    @Test func `Answers of one container do not count for the next`() {
        var probes = container(liveness: Probe(ask, failureThreshold: 2))
        probes.begin(at: zero)
        #expect(probes.answered(.liveness, false, at: zero) == false)
        probes.ended()
        probes.begin(at: at(10))
        #expect(probes.answered(.liveness, false, at: at(10)) == false)
        let isStopped = probes.answered(.liveness, false, at: at(20))
        #expect(isStopped)
        #expect(probes.answered(.liveness, false, at: at(30)) == false)
    }
}

@Suite struct ContainerLifeTests {
    private func life(_ policy: RestartPolicy, _ container: Container = Container(name: "app")) -> ContainerLife {
        ContainerLife(container, restartPolicy: policy)
    }

    @Test(
        arguments: [
            (.always, 0, true), (.always, 1, true), (.onFailure, 0, false), (.onFailure, 1, true), (.never, 0, false),
            (.never, 1, false),
        ] as [(RestartPolicy, Int32, Bool)])
    func `Whether a container is started again depends on its policy and its exit code`(
        policy: RestartPolicy, code: Int32, isRestarted: Bool
    ) {
        var life = life(policy)
        #expect(life.step(at: zero) == .start)
        life.started(at: zero)
        #expect(life.step(at: zero) == .wait(until: nil))
        life.ended(code, at: at(1))
        #expect(life.step(at: at(1)) == (isRestarted ? .start : .nothing))
        #expect(life.isFinished == !isRestarted && life.hasSucceeded == (!isRestarted && code == 0))
    }

    @Test func `A container that keeps crashing waits longer and longer`() {
        var life = life(.always)
        life.started(at: zero)
        life.ended(1, at: zero)
        life.started(at: zero)
        life.ended(1, at: at(1))
        #expect(life.step(at: at(1)) == .wait(until: at(11)) && life.restartCount == 1)
        life.startFailed(at: at(11))
        #expect(life.step(at: at(11)) == .wait(until: at(31)) && life.restartCount == 2)
    }

    @Test func `A container whose liveness fails is asked to end, killed when it does not, and started again`() {
        let probe = Probe(.exec(["a"]), failureThreshold: 1, terminationGracePeriod: .seconds(3))
        var life = life(.onFailure, Container(name: "app", livenessProbe: probe))
        life.started(at: zero)
        #expect(life.step(at: zero) == .ask([.liveness]))
        life.answered(.liveness, false, at: zero)
        #expect(life.step(at: zero) == .signal)
        life.signalled()
        #expect(life.step(at: at(1)) == .wait(until: at(3)))
        #expect(life.step(at: at(3)) == .kill)
        // It ended well, but not of its own accord.
        life.ended(0, at: at(3))
        #expect(life.step(at: at(3)) == .start)
        life.started(at: at(3))
        life.ended(0, at: at(4))
        #expect(life.isFinished)
    }

    @Test func `A container that is never started again is not either when its probe fails`() {
        var life = life(.never, Container(name: "app", livenessProbe: Probe(.exec(["a"]), failureThreshold: 1)))
        life.started(at: zero)
        life.answered(.liveness, false, at: zero)
        life.ended(143, at: at(1))
        #expect(life.isFinished)
    }

    @Test func `A container that is to end for good is not started again, nor asked whether it is alive`() {
        var life = life(.always, Container(name: "app", livenessProbe: Probe(.exec(["a"]))))
        life.started(at: zero)
        life.stop(at: at(1))
        #expect(life.step(at: at(100)) == .kill)
        life.signalled()
        #expect(life.step(at: at(2)) == .wait(until: at(31)))
        life.ended(0, at: at(2))
        #expect(life.step(at: at(2)) == .nothing && life.isFinished)
    }

    @Test func `An adopted container goes on where it was`() {
        var backoff = CrashLoopBackoff()
        backoff.restarted(endedAt: zero, at: zero)
        var life = life(
            .always,
            Container(
                name: "app", startupProbe: Probe(.exec(["a"])), readinessProbe: Probe(.exec(["a"]), period: .seconds(5))
            ))
        life.adopted(startedAt: zero, restartCount: 7, backoff: backoff, hasStarted: true)
        #expect(life.step(at: at(100)) == .ask([.readiness]) && life.probes.hasStarted)
        life.ended(1, at: at(100))
        #expect(life.step(at: at(100)) == .wait(until: at(110)) && life.restartCount == 7)
    }
}
