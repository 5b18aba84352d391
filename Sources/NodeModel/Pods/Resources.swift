// SPDX-License-Identifier: Apache-2.0

/// Amounts by resource name, as in `requests: {cpu: 100m, memory: 128Mi}`. A name that is absent is not the same as one
/// with an amount of zero.
public struct ResourceList: Sendable, Hashable {
    /// The amounts by name.
    public var amounts: [String: Quantity]

    /// A list of these amounts.
    public init(_ amounts: [String: Quantity] = [:]) { self.amounts = amounts }

    /// Whether nothing is named.
    public var isEmpty: Bool { amounts.isEmpty }

    /// The amount of a resource; nil when it is not named.
    public subscript(_ name: String) -> Quantity? {
        get { amounts[name] }
        set { amounts[name] = newValue }
    }

    /// The amount of cpu; nil when it is not named.
    public var cpu: Quantity? { amounts["cpu"] }
    /// The amount of memory; nil when it is not named.
    public var memory: Quantity? { amounts["memory"] }

    /// The cpu in millicpus, rounded up; zero when it is not named.
    public var milliCPU: Int64 { cpu?.milliValue ?? 0 }
    /// The memory in bytes, rounded up; zero when it is not named or below zero.
    public var memoryBytes: ByteCount { ByteCount(UInt64(clamping: memory?.value ?? 0)) }

    /// The names in order, for output that does not change from run to run.
    public var names: [String] { amounts.keys.sorted() }

    /// Adds every amount of the other list.
    public static func += (left: inout ResourceList, right: ResourceList) {
        for (name, amount) in right.amounts { left.amounts[name] = (left.amounts[name] ?? .zero) + amount }
    }

    /// The sum per resource.
    public static func + (left: ResourceList, right: ResourceList) -> ResourceList {
        var sum = left
        sum += right
        return sum
    }

    /// The larger amount per resource.
    public func maximum(_ other: ResourceList) -> ResourceList {
        ResourceList(amounts.merging(other.amounts) { max($0, $1) })
    }

    /// Whether a resource can be set for a pod as a whole: cpu, memory and huge pages (KEP-2837).
    public static func isSupportedForPods(_ name: String) -> Bool {
        name == "cpu" || name == "memory" || name.hasPrefix(hugePagesPrefix)
    }

    static let hugePagesPrefix = "hugepages-"
}

extension ResourceList: ExpressibleByDictionaryLiteral {
    /// A list written as `["cpu": Quantity(milli: 100)]`; a name given twice keeps its last amount.
    public init(dictionaryLiteral elements: (String, Quantity)...) {
        self.init(Dictionary(elements) { $1 })
    }
}

extension ResourceList: CustomStringConvertible {
    /// `cpu=100m memory=134217728`, by name.
    public var description: String {
        names.map { name in "\(name)=\(amounts[name] ?? .zero)" }.joined(separator: " ")
    }
}

/// What a container or a pod asks for, and what it may use at most.
public struct ResourceRequirements: Sendable, Hashable {
    /// What is set aside.
    public var requests: ResourceList
    /// What may be used at most.
    public var limits: ResourceList

    /// These requests and limits.
    public init(requests: ResourceList = [:], limits: ResourceList = [:]) {
        self.requests = requests
        self.limits = limits
    }

    /// The same with every limit that has no request asked for in full, as the Kubernetes API server fills it in. A
    /// request of zero stays.
    public func withDefaultRequests() -> ResourceRequirements {
        ResourceRequirements(
            requests: ResourceList(limits.amounts.merging(requests.amounts) { $1 }),
            limits: limits
        )
    }
}
