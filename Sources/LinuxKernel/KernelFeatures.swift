// SPDX-License-Identifier: Apache-2.0

/// One thing a kernel may be able to do, and whether this caller got it done.
public struct KernelFeature: Hashable, Sendable {
    /// A stable name for scripts, mostly the system call or the file.
    public let name: String
    /// The first release of Linux that has it. Vendors carry features back: this decides nothing.
    public let since: KernelVersion
    /// Whether it works, for this process, here and now.
    public let available: Bool
    /// Whether the kernel has it, whatever this caller is allowed; nil where that cannot be told without the right to
    /// try.
    public let inKernel: Bool?
    /// Why it is not available: always there when it is not.
    public let reason: String?
    /// What was seen besides: a version, a limit.
    public let note: String?
}

/// What the running kernel can do for this process, found by trying: no answer is taken from the version.
///
/// Every trial cleans up after itself: nothing is mounted into the tree, no process and no cgroup is left.
public struct KernelFeatures: Hashable, Sendable {
    /// The features, in groups: processes, files, mounts, security, cgroups.
    public let all: [KernelFeature]

    /// The names of all features, in order.
    public static var names: [String] { trials.map(\.name) }

    /// Tries all of them: a few milliseconds.
    public static func probe() -> KernelFeatures {
        let bench = ProbeBench()
        return KernelFeatures(all: trials.map { $0.feature(bench) })
    }

    /// Tries one of them; nil for a name that is none.
    public static func probe(_ name: String) -> KernelFeature? {
        trials.first { $0.name == name }.map { $0.feature(ProbeBench()) }
    }

    /// The feature of this name, or nil.
    public subscript(_ name: String) -> KernelFeature? { all.first { $0.name == name } }

    static let trials = processTrials + fileTrials + mountTrials + securityTrials + cgroupTrials
}

/// What a trial showed.
enum Finding: Hashable {
    /// It works.
    case works(note: String? = nil)
    /// The kernel has it, and this caller may not or cannot use it here.
    case refused(String)
    /// The kernel does not have it.
    case missing(String)
    /// This caller cannot find out.
    case unknown(String)
}

/// One feature and how it is tried.
struct Trial: Sendable {
    let name: String
    let since: KernelVersion
    let run: @Sendable (Trial, ProbeBench) -> Finding

    init(_ name: String, since: KernelVersion, _ run: @escaping @Sendable (Trial, ProbeBench) -> Finding) {
        self.name = name
        self.since = since
        self.run = run
    }

    func feature(_ bench: ProbeBench) -> KernelFeature {
        switch run(self, bench) {
        case .works(let note): answer(true, inKernel: true, reason: nil, note: note)
        case .refused(let reason): answer(false, inKernel: true, reason: reason)
        case .missing(let reason): answer(false, inKernel: false, reason: reason)
        case .unknown(let reason): answer(false, inKernel: nil, reason: reason)
        }
    }

    private func answer(_ available: Bool, inKernel: Bool?, reason: String?, note: String? = nil) -> KernelFeature {
        KernelFeature(
            name: name, since: since, available: available, inKernel: inKernel, reason: reason, note: note)
    }
}
