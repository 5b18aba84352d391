// SPDX-License-Identifier: Apache-2.0

extension StatusFile where Value == [Int32] {
    /// The processes inside. A number may come twice, in any order; 0 is a process outside the reader's pid namespace.
    /// The C name is `cgroup.procs`. Since Linux 4.5.
    public static var processes: Self { Self("cgroup.procs", nil, since: "4.5") }
    /// The threads inside. The C name is `cgroup.threads`. Since Linux 4.14.
    public static var threads: Self { Self("cgroup.threads", nil, since: "4.14") }
}

extension StatusFile where Value == [Controller] {
    /// The controllers that this cgroup can give to its children; below the root, what the parent gives to it.
    /// The C name is `cgroup.controllers`. Since Linux 4.5.
    public static var controllers: Self { Self("cgroup.controllers", nil, since: "4.5") }
    /// The controllers that its children have. The C name is `cgroup.subtree_control`. Since Linux 4.5.
    public static var subtreeControl: Self { Self("cgroup.subtree_control", nil, since: "4.5") }
}

extension StatusFile where Value == CgroupEvents {
    /// Whether processes are inside, and whether they are frozen. The C name is `cgroup.events`. Since Linux 4.5.
    public static var events: Self { Self("cgroup.events", nil, since: "4.5") }
}

extension StatusFile where Value == CgroupType {
    /// Domain or threaded; the root has no such file. The C name is `cgroup.type`. Since Linux 4.14.
    public static var cgroupType: Self { Self("cgroup.type", nil, since: "4.14") }
}

extension InterfaceFile where Value == Bool {
    /// Whether the processes inside are to stand still; `freeze` waits until they do.
    /// The C name is `cgroup.freeze`. Since Linux 5.2.
    public static var freeze: Self { Self("cgroup.freeze", nil, since: "5.2") }
}

/// Files that are only written; `kill` and `move` do it.
extension CgroupFile {
    static let kill = CgroupFile("cgroup.kill", nil, since: "5.14")
    static let processes = CgroupFile("cgroup.procs", nil, since: "4.5")
    static let subtreeControl = CgroupFile("cgroup.subtree_control", nil, since: "4.5")
}

/// The content of `cgroup.events`.
public struct CgroupEvents: Hashable, Sendable, StatusValue {
    /// Everything the kernel told.
    public let counters: Counters
    /// Whether a living process is in the cgroup or below it.
    public var populated: Bool { counters["populated"] == 1 }
    /// Whether every process in it stands still; nil before Linux 5.2.
    public var frozen: Bool? { counters["frozen"].map { $0 == 1 } }

    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        guard let counters = Counters(kernelText: text), counters["populated"] != nil else { return nil }
        self.counters = counters
    }
}

/// The content of `cgroup.type`.
public enum CgroupType: Hashable, Sendable, StatusValue {
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
}
