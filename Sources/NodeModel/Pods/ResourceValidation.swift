// SPDX-License-Identifier: Apache-2.0

// Source of the rules: kubernetes, pkg/apis/core/validation/validation.go (ValidateResourceRequirements).

extension PodSpec {
    /// What is wrong with the resources of the containers and of the pod as a whole, in the words of the Kubernetes API
    /// server.
    /// - Parameter path: the field that the spec is in: `spec`.
    public func resourceProblems(at path: String) -> [FieldError] {
        var problems = resources?.problems(at: "\(path).resources") ?? []
        for (index, container) in initContainers.enumerated() {
            problems += container.resources.problems(at: "\(path).initContainers[\(index)].resources")
        }
        for (index, container) in containers.enumerated() {
            problems += container.resources.problems(at: "\(path).containers[\(index)].resources")
        }
        return problems
    }
}

extension ResourceRequirements {
    /// What is wrong: a request above its limit; a device or a huge page in part; what cannot be overcommitted asked for
    /// otherwise than its limit; huge pages without cpu or memory.
    /// - Parameter path: the field that they are in: `spec.containers[0].resources`.
    public func problems(at path: String) -> [FieldError] {
        var problems: [FieldError] = []
        for name in limits.names { problems += amountProblems(name, limits, "\(path).limits[\(name)]") }
        for name in requests.names {
            let field = "\(path).requests[\(name)]"
            problems += amountProblems(name, requests, field)
            guard let request = requests[name] else { continue }
            guard let limit = limits[name] else {
                if !ResourceList.canOvercommit(name) {
                    problems.append(
                        FieldError(
                            "\(path).limits[\(name)]", .required, "Limit must be set for non overcommitable resources"))
                }
                continue
            }
            if request != limit, !ResourceList.canOvercommit(name) {
                problems.append(
                    FieldError(field, .invalid, value: "\"\(request)\"", "must be equal to \(name) limit of \(limit)"))
            } else if request > limit {
                problems.append(
                    FieldError(
                        field, .invalid, value: "\"\(request)\"",
                        "must be less than or equal to \(name) limit of \(limit)"))
            }
        }
        let names = Set(limits.names + requests.names)
        if names.contains(where: { $0.hasPrefix(ResourceList.hugePagesPrefix) }),
            names.isDisjoint(with: ["cpu", "memory"])
        {
            problems.append(FieldError(path, .forbidden, "HugePages require cpu or memory"))
        }
        return problems
    }

    private func amountProblems(_ name: String, _ list: ResourceList, _ field: String) -> [FieldError] {
        guard let amount = list[name] else { return [] }
        if amount < .zero { return [.negative(field, amount.value)] }
        if ResourceList.isExtended(name), amount.milliValue % 1000 != 0 {
            return [FieldError(field, .invalid, value: "\"\(amount)\"", "must be an integer")]
        }
        guard name.hasPrefix(ResourceList.hugePagesPrefix) else { return [] }
        let size = try? Quantity(parsing: String(name.dropFirst(ResourceList.hugePagesPrefix.count)))
        guard let size, size > .zero, amount.nanos % size.nanos != 0 else { return [] }
        return [
            FieldError(
                field, .invalid, value: "\"\(amount)\"", "\(amount) is not positive integer multiple of \(name)")
        ]
    }
}

extension ResourceList {
    /// Whether a resource is a device or something else that Kubernetes does not know itself: `example.com/gpu`.
    public static func isExtended(_ name: String) -> Bool {
        name.contains("/") && !name.contains("kubernetes.io/") && !name.hasPrefix("requests.")
    }

    /// Whether more may be promised than there is: not of devices and huge pages.
    static func canOvercommit(_ name: String) -> Bool { !isExtended(name) && !name.hasPrefix(hugePagesPrefix) }
}
