// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@Suite struct CommandLineTests {
    @Test(arguments: [
        ("$(A)", "1"), ("x$(A)y$(B)z", "x1y21z"), ("$(C)", "$(C)"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$A", "$A"),
        ("$", "$"), ("$$", "$"), ("$(A", "$(A"), ("$()", "$()"), ("$(cat \"$A\")", "$(cat \"$A\")"), ("é$(A)é", "é1é"),
        ("", ""),
    ])
    func `References to the environment are put in, and nothing else is touched`(text: String, expanded: String) {
        let container = Container(
            name: "c", command: ["sh"], args: [text],
            env: [EnvironmentVariable(name: "A", value: "1"), EnvironmentVariable(name: "B", value: "2$(A)")])
        #expect(container.commandLine == ["sh", expanded])
    }

    @Test func `A variable refers to those before it only`() {
        let container = Container(
            name: "c",
            env: [EnvironmentVariable(name: "A", value: "$(B)"), EnvironmentVariable(name: "B", value: "$(A)")])
        #expect(container.environment.map(\.value) == ["$(B)", "$(B)"])
    }

    @Test func `A container's security context is completed by its pod's`() {
        let container = Container(name: "c", securityContext: SecurityContext(runAsUser: 5))
        let spec = PodSpec(
            containers: [container],
            securityContext: PodSecurityContext(runAsUser: 1, runAsGroup: 2, seccompProfile: .runtimeDefault))
        let context = spec.securityContext(of: container)
        #expect(context.runAsUser == 5)
        #expect(context.runAsGroup == 2)
        #expect(context.runAsNonRoot == false)
        #expect(context.seccompProfile == .runtimeDefault)
    }
}
