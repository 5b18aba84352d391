// SPDX-License-Identifier: Apache-2.0

extension Container {
    /// The environment with its references put in: a variable may refer to those before it.
    public var environment: [EnvironmentVariable] {
        var known: [String: String] = [:]
        return env.map { variable in
            let value = expandReferences(variable.value, known)
            known[variable.name] = value
            return EnvironmentVariable(name: variable.name, value: value)
        }
    }

    /// The program and its arguments, with `$(NAME)` put in from the environment.
    ///
    /// A name that is not in the environment stays as it is written, and `$$` becomes `$`. No shell takes part; its own
    /// `$name` and `$(command)` reach it unless the command happens to be the name of a variable.
    public var commandLine: [String] {
        let known = Dictionary(environment.map { ($0.name, $0.value) }) { $1 }
        return (command + args).map { expandReferences($0, known) }
    }
}

extension PodSpec {
    /// The security context of a container, with what it does not say taken from the pod.
    public func securityContext(of container: Container) -> SecurityContext {
        var context = container.securityContext
        context.runAsUser = context.runAsUser ?? securityContext.runAsUser
        context.runAsGroup = context.runAsGroup ?? securityContext.runAsGroup
        context.runAsNonRoot = context.runAsNonRoot ?? securityContext.runAsNonRoot
        context.seccompProfile = context.seccompProfile ?? securityContext.seccompProfile
        return context
    }
}

/// Source of the rule: the Kubernetes API reference, Container.args.
private func expandReferences(_ text: String, _ known: [String: String]) -> String {
    let dollar = UInt8(ascii: "$")
    var output = ""
    var rest = text.utf8[...]
    while let position = rest.firstIndex(of: dollar) {
        output += Substring(rest[..<position])
        rest = rest[position...].dropFirst()
        if rest.first == dollar {
            output += "$"
            rest.removeFirst()
        } else if rest.first == UInt8(ascii: "("), let end = rest.firstIndex(of: UInt8(ascii: ")")) {
            let name = String(Substring(rest[..<end].dropFirst()))
            output += known[name] ?? "$(\(name))"
            rest = rest[end...].dropFirst()
        } else {
            output += "$"
        }
    }
    return output + Substring(rest)
}
