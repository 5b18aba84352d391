// SPDX-License-Identifier: Apache-2.0

/// The content of `cgroup.events`.
public struct CgroupEvents: CountedValue, Hashable, Sendable {
    /// Everything the kernel told.
    public let counters: Counters
    /// Whether a living process is in the cgroup or below it.
    public var populated: Bool { counters["populated"] == 1 }
    /// Whether every process in it stands still; nil before Linux 5.2.
    public var frozen: Bool? { counters["frozen"].map { $0 == 1 } }

    /// Takes the counters; nil without `populated`, which every kernel has.
    public init?(counters: Counters) {
        guard counters["populated"] != nil else { return nil }
        self.counters = counters
    }
}

/// The content of `cgroup.type`.
public enum CgroupType: Hashable, Sendable, InterfaceValue {
    /// A resource domain, the usual kind.
    case domain
    /// The root of a threaded subtree.
    case domainThreaded
    /// Under a threaded cgroup, and of no use before it is made threaded itself.
    case domainInvalid
    /// A member of a threaded subtree.
    case threaded
    /// What is not known here.
    case other(String)

    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        switch text.withoutNewline {
        case "domain": self = .domain
        case "domain threaded": self = .domainThreaded
        case "domain invalid": self = .domainInvalid
        case "threaded": self = .threaded
        case let word: self = .other(String(word))
        }
    }

    /// The kernel's words.
    public var kernelText: String {
        switch self {
        case .domain: "domain"
        case .domainThreaded: "domain threaded"
        case .domainInvalid: "domain invalid"
        case .threaded: "threaded"
        case .other(let words): words
        }
    }
    /// In words.
    public static var form: String { "threaded" }
    /// A cgroup is made threaded and never again anything else.
    public var refusal: String? { self == .threaded ? nil : "the only type that can be asked for is \"threaded\"" }
}

/// A process's or thread's number, written to move it.
public struct ProcessNumber: Hashable, Sendable, InterfaceValue {
    /// The number in the writer's pid namespace.
    public let number: Int32
    /// The process of this number.
    public init(_ number: Int32) { self.number = number }

    /// Reads one line.
    public init?(kernelText text: Substring) {
        guard let number = Int32(decimal: text.withoutNewline), number >= 0 else { return nil }
        self.number = number
    }
    /// Decimal digits.
    public var kernelText: String { String(number) }
    /// In words.
    public static var form: String { "the number of one process" }
    /// 0 would be the writer itself, and -1 is what a failed call leaves behind.
    public var refusal: String? { number > 0 ? nil : "a process id is positive" }
}

/// What is written to `cgroup.subtree_control`: all of it happens, or nothing.
public struct ControllerChange: Hashable, Sendable, InterfaceValue {
    /// Controllers the children get.
    public let enabled: [Controller]
    /// Controllers that are taken from them.
    public let disabled: [Controller]

    /// Gives some and takes some.
    public init(enabling enabled: [Controller] = [], disabling disabled: [Controller] = []) {
        self.enabled = enabled
        self.disabled = disabled
    }

    /// Reads words with a sign.
    public init?(kernelText text: Substring) {
        var enabled: [Controller] = []
        var disabled: [Controller] = []
        for word in text.withoutNewline.split(separator: " ") {
            let controller = Controller(rawValue: String(word.dropFirst()))
            guard !controller.rawValue.isEmpty, !controller.rawValue.contains("\n") else { return nil }
            switch word.first {
            case "+": enabled.append(controller)
            case "-": disabled.append(controller)
            default: return nil
            }
        }
        self.init(enabling: enabled, disabling: disabled)
    }

    /// `+cpu +memory -io`.
    public var kernelText: String { (enabled.map { "+\($0)" } + disabled.map { "-\($0)" }).joined(separator: " ") }
    /// In words.
    public static var form: String { "controllers, each with + or - before it" }
    /// What says nothing, and what the kernel has for itself.
    public var refusal: String? {
        if enabled.isEmpty && disabled.isEmpty { return "no controller is named" }
        let hidden = (enabled + disabled).first { $0.rawValue == "perf_event" || $0.rawValue == "devices" }
        return hidden.map { "\($0) is in every cgroup of version 2 and cannot be enabled or disabled" }
    }
}

/// What is written to `cgroup.kill`: there is one thing to say.
public struct KillRequest: Hashable, Sendable, InterfaceValue {
    /// The request.
    public init() {}
    /// Reads `1`.
    public init?(kernelText text: Substring) { if text.withoutNewline != "1" { return nil } }
    /// `1`.
    public var kernelText: String { "1" }
    /// In words.
    public static var form: String { "1" }
}

/// What is written to `memory.peak` and `memory.swap.peak`: any text starts the peak anew, for its writer's descriptor.
public struct PeakReset: Hashable, Sendable, InterfaceValue {
    /// The request.
    public init() {}
    /// Reads any text.
    public init?(kernelText text: Substring) { if text.withoutNewline.isEmpty { return nil } }
    /// A word.
    public var kernelText: String { "reset" }
    /// In words.
    public static var form: String { "any word" }
    /// A write by name is closed at once, so its peak is nobody's.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        "a reset of \(file.name) holds only for the descriptor that wrote it"
    }
}
