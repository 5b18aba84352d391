// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile {
    /// What a profile's conditions are asked of.
    public struct Environment: Hashable, Sendable {
        /// The capabilities of the workload's bounding set, by name, with or without `CAP_` and in either case.
        public var capabilities: [String]
        /// The kernel's major and minor version.
        public var kernel: KernelVersion
        /// The architecture.
        public var architecture: SeccompFilter.Architecture

        /// An environment.
        public init(
            capabilities: [String], kernel: KernelVersion, architecture: SeccompFilter.Architecture = .native
        ) {
            self.capabilities = capabilities
            self.kernel = kernel
            self.architecture = architecture
        }
    }

    /// A kernel version as profiles name it: two numbers.
    public struct KernelVersion: Hashable, Comparable, Sendable {
        /// The first number.
        public var major: Int
        /// The second number.
        public var minor: Int

        /// A version.
        public init(_ major: Int, _ minor: Int) {
            self.major = major
            self.minor = minor
        }

        init(parsing text: String) throws(SeccompError) {
            let numbers = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt16($0) }
            guard numbers.count == 2, let major = numbers[0], let minor = numbers[1] else {
                throw .malformedKernelVersion(text)
            }
            self.init(Int(major), Int(minor))
        }

        /// The order of versions.
        public static func < (left: KernelVersion, right: KernelVersion) -> Bool {
            (left.major, left.minor) < (right.major, right.minor)
        }
    }

    /// An entry of the profile, here.
    public struct ResolvedEntry: Hashable, Sendable {
        /// Its place among the entries.
        public var index: Int
        /// What it says.
        public var rules: [SeccompFilter.Rule]
        /// Why it does not count here; nil when it counts.
        public var absence: String?

        /// An entry.
        public init(index: Int, rules: [SeccompFilter.Rule], absence: String? = nil) {
            self.index = index
            self.rules = rules
            self.absence = absence
        }
    }

    /// All entries, with why those that do not count here do not. What is wrong in one is refused whether it counts or not.
    public func entries(for environment: Environment) throws(SeccompError) -> [ResolvedEntry] {
        let capabilities = Set(environment.capabilities.map(capabilityName))
        var resolved: [ResolvedEntry] = []
        for (index, entry) in (syscalls ?? []).enumerated() {
            let path = "syscalls[\(index)]"
            let rules = try entry.rules(path)
            let excluded = try entry.excludes.flatMap { (condition) throws(SeccompError) in
                try condition.exclusion(environment, capabilities, path + ".excludes")
            }
            let missing = try entry.includes.flatMap { (condition) throws(SeccompError) in
                try condition.omission(environment, capabilities, path + ".includes")
            }
            resolved.append(ResolvedEntry(index: index, rules: rules, absence: excluded ?? missing))
        }
        return resolved
    }

    /// The filter that the profile is here: the entries whose conditions hold.
    ///
    /// As runc does it, a system call whose number is above all that the profile names is answered with ENOSYS where the
    /// default action would refuse it: it is newer than the profile, and programs then do without.
    public func resolved(for environment: Environment) throws(SeccompError) -> SeccompFilter {
        let action = try readAction(
            defaultAction, defaultErrnoRet, defaultErrno, "defaultAction", "defaultErrnoRet", "defaultErrno")
        // A listener that is asked about every call is asked about those of its own hand-over too.
        if action == .notify {
            throw .field(path: "defaultAction", reason: .unsupportedAction(defaultAction))
        }
        var filter = SeccompFilter(default: action)
        filter.architectures = try architectures(for: environment.architecture)
        filter.flags = try readFlags()
        filter.rules = try entries(for: environment).filter { $0.absence == nil }.flatMap(\.rules)
        switch action {
        case .allow, .log, .trace: break
        default: filter.newerAction = .notImplemented
        }
        return filter
    }

    /// The program of a profile's text here. One that leaves calls to a listener is refused: whoever listens would have to
    /// be there before the command.
    public static func compiled(_ text: String, for environment: Environment) throws(SeccompError) -> CompiledFilter {
        let filter = try SeccompProfile(parsing: text).resolved(for: environment).compiled()
        if filter.needsListener { throw .needsListener }
        return filter
    }

    private func architectures(
        for native: SeccompFilter.Architecture
    ) throws(SeccompError) -> [SeccompFilter.Architecture] {
        if architectures?.isEmpty == false, archMap?.isEmpty == false {
            throw .field(path: "archMap", reason: .ambiguousProfile("architectures or archMap"))
        }
        func read(_ names: [String]?, _ path: String) throws(SeccompError) -> [SeccompFilter.Architecture] {
            var read: [SeccompFilter.Architecture] = []
            for (index, name) in (names ?? []).enumerated() {
                read.append(
                    try at("\(path)[\(index)]") { () throws(SeccompError) in
                        try SeccompFilter.Architecture(parsing: name)
                    })
            }
            return read
        }
        var listed = try read(architectures, "architectures")
        // What other machines' entries say is theirs to know.
        for (index, entry) in (archMap ?? []).enumerated()
        where SeccompFilter.Architecture(anyOf: entry.architecture) == native {
            listed = try read(entry.subArchitectures, "archMap[\(index)].subArchitectures")
        }
        return listed.filter { $0 != native }
    }

    private func readFlags() throws(SeccompError) -> SeccompFilter.Flags {
        var read: SeccompFilter.Flags = []
        for (index, name) in (flags ?? []).enumerated() {
            guard let flag = Self.flagNames.first(where: { $0.name == name }) else {
                throw .field(path: "flags[\(index)]", reason: .unknownFlag(name))
            }
            read.formUnion(flag.flag)
        }
        return read
    }
}

extension SeccompProfile.Condition {
    /// Why the entry does not count, where this is its `excludes`: one hit suffices.
    fileprivate func exclusion(
        _ here: SeccompProfile.Environment, _ capabilities: Set<String>, _ path: String
    ) throws(SeccompError) -> String? {
        let oldest = try readMinKernel(path)
        if namedArchitectures.contains(here.architecture) { return "not on \(here.architecture)" }
        if let capability = (caps ?? []).map(capabilityName).first(where: capabilities.contains) {
            return "not with \(capability)"
        }
        if let oldest, here.kernel >= oldest { return "not from Linux \(oldest.major).\(oldest.minor) on" }
        return nil
    }

    /// Why the entry does not count, where this is its `includes`: all must hold.
    fileprivate func omission(
        _ here: SeccompProfile.Environment, _ capabilities: Set<String>, _ path: String
    ) throws(SeccompError) -> String? {
        let oldest = try readMinKernel(path)
        let arches = namedArchitectures
        if !arches.isEmpty, !arches.contains(here.architecture) {
            return "only on \(arches.map(\.description).joined(separator: ", "))"
        }
        if let capability = (caps ?? []).map(capabilityName).first(where: { !capabilities.contains($0) }) {
            return "only with \(capability)"
        }
        if let oldest, here.kernel < oldest { return "only from Linux \(oldest.major).\(oldest.minor) on" }
        return nil
    }

    private func readMinKernel(_ path: String) throws(SeccompError) -> SeccompProfile.KernelVersion? {
        guard let minKernel else { return nil }
        return try at(path + ".minKernel") { () throws(SeccompError) in
            try SeccompProfile.KernelVersion(parsing: minKernel)
        }
    }

    /// Docker's own default profile has a name in a condition that is no architecture's (`mips3l64n32`): it never matches.
    private var namedArchitectures: [SeccompFilter.Architecture] {
        (arches ?? []).map(SeccompFilter.Architecture.init(anyOf:))
    }
}

private func capabilityName(_ name: String) -> String {
    let upper = name.uppercased()
    return upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
}
