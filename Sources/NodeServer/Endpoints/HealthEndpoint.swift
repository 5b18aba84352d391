// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import HummingbirdCore
internal import NodeModel

extension NodeResponder {
    /// `ok`, or which checks failed and why, as the kubelet prints them.
    func health(_ name: String?) async throws(Refusal) -> Answer {
        let checks = await service.checks()
        guard let name else {
            guard checks.contains(where: { $0.failure != nil }) else { return Answer("ok") }
            let lines = checks.map { check in
                check.failure.map { "[-]\(check.name) failed: \($0)" } ?? "[+]\(check.name) ok"
            }
            return failed(lines.joined(separator: "\n") + "\nhealthz check failed\n")
        }
        guard let check = checks.first(where: { $0.name == name }) else {
            throw .notFound("there is no check '\(name)'")
        }
        return check.failure.map { failed("internal server error: \($0)\n") } ?? Answer("ok")
    }

    private func failed(_ text: String) -> Answer {
        var answer = Answer(text)
        answer.response.status = .internalServerError
        return answer
    }

    /// What runs here, for people.
    func status() async -> Answer {
        let pods = await service.pods()
        let running = pods.count(where: \.hasRunningContainer)
        return Answer(
            """
            bulkheadd statusz
            Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees \
            and is for debugging purposes only.

            Node: \(service.nodeName)
            Started: \(startTime)
            Pods: \(pods.count), \(running) of them running

            """)
    }
}

extension PodStatus {
    /// Whether a process of it runs.
    var hasRunningContainer: Bool {
        (initContainers + containers).contains { container in
            switch container.state {
            case .running, .stopping: true
            case .waiting, .ended: false
            }
        }
    }
}
