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

    /// The filter that the profile is here: the entries whose conditions hold.
    public func resolved(for environment: Environment) throws(SeccompError) -> SeccompFilter {
        var filter = SeccompFilter(default: try readAction(defaultAction, defaultErrnoRet, ["the default action"]))
        filter.architectures = try architectures(for: environment.architecture)
        let capabilities = Set(environment.capabilities.map(capabilityName))
        for entry in syscalls ?? [] {
            if let excludes = entry.excludes {
                let caps = excludes.caps ?? []
                if try excludes.names(environment.architecture) { continue }
                if caps.contains(where: { capabilities.contains(capabilityName($0)) }) { continue }
                if let oldest = excludes.minKernel, try environment.kernel >= KernelVersion(parsing: oldest) {
                    continue
                }
            }
            if let includes = entry.includes {
                let caps = includes.caps ?? []
                if includes.arches?.isEmpty == false, try !includes.names(environment.architecture) { continue }
                if !caps.allSatisfy({ capabilities.contains(capabilityName($0)) }) { continue }
                if let oldest = includes.minKernel, try environment.kernel < KernelVersion(parsing: oldest) { continue }
            }
            filter.rules += try entry.rules()
        }
        return filter
    }

    private func architectures(
        for native: SeccompFilter.Architecture
    ) throws(SeccompError) -> [SeccompFilter.Architecture] {
        var names = architectures ?? []
        if let archMap, !archMap.isEmpty {
            if !names.isEmpty { throw .ambiguousProfile("architectures or archMap") }
            for entry in archMap where try SeccompFilter.Architecture(parsing: entry.architecture) == native {
                names = entry.subArchitectures ?? []
            }
        }
        var architectures: [SeccompFilter.Architecture] = []
        for name in names { architectures.append(try SeccompFilter.Architecture(parsing: name)) }
        return architectures.filter { $0 != native }
    }
}

extension SeccompProfile.Condition {
    fileprivate func names(_ architecture: SeccompFilter.Architecture) throws(SeccompError) -> Bool {
        for name in arches ?? [] where try SeccompFilter.Architecture(parsing: name) == architecture { return true }
        return false
    }
}

extension SeccompProfile.Syscalls {
    fileprivate func rules() throws(SeccompError) -> [SeccompFilter.Rule] {
        if name != nil, names?.isEmpty == false { throw .ambiguousProfile("name or names") }
        let names = name.map { [$0] } ?? names ?? []
        let action = try readAction(action, errnoRet, names)
        var arguments: [SeccompFilter.Argument] = []
        for argument in args ?? [] { arguments.append(try argument.comparison()) }
        // libseccomp takes one comparison an argument; of several, runc makes alternatives, and so does everybody's
        // profile mean them.
        if Set(arguments.map(\.index)).count < arguments.count {
            return arguments.map { SeccompFilter.Rule(action, names, where: [$0]) }
        }
        return [SeccompFilter.Rule(action, names, where: arguments)]
    }
}

extension SeccompProfile.Argument {
    fileprivate func comparison() throws(SeccompError) -> SeccompFilter.Argument {
        let test: SeccompFilter.Test =
            switch op {
            case "SCMP_CMP_NE": .notEqual(value)
            case "SCMP_CMP_LT": .less(value)
            case "SCMP_CMP_LE": .lessOrEqual(value)
            case "SCMP_CMP_EQ": .equal(value)
            case "SCMP_CMP_GE": .greaterOrEqual(value)
            case "SCMP_CMP_GT": .greater(value)
            case "SCMP_CMP_MASKED_EQ": .maskedEqual(mask: value, valueTwo ?? 0)
            default: throw .unknownOperator(op)
            }
        return SeccompFilter.Argument(index, test)
    }
}

private func readAction(
    _ name: String, _ errno: Int?, _ syscalls: [String]
) throws(SeccompError) -> SeccompFilter.Action {
    guard let number = UInt16(exactly: errno ?? 1) else { throw .errnoOutOfRange(errno ?? 1, syscalls: syscalls) }
    return switch name {
    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": .killThread
    case "SCMP_ACT_KILL_PROCESS": .killProcess
    case "SCMP_ACT_TRAP": .trap
    case "SCMP_ACT_ERRNO": .errno(number)
    case "SCMP_ACT_TRACE": .trace(number)
    case "SCMP_ACT_LOG": .log
    case "SCMP_ACT_ALLOW": .allow
    case "SCMP_ACT_NOTIFY": throw .unsupportedAction(name)
    default: throw .unknownAction(name)
    }
}

private func capabilityName(_ name: String) -> String {
    let upper = name.uppercased()
    return upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
}
