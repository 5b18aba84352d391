// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage
internal import ToolOutput

/// What a profile means here: the filter it becomes, and what became of its entries.
struct SeccompExplanation {
    /// The file, or `default`.
    var file: String
    var architecture: SeccompFilter.Architecture
    var kernel: KernelVersion
    var capabilities: CapabilitySet
    var filter: SeccompFilter
    var compiled: CompiledFilter
    /// The entries of the profile; the default filter's rules stand for themselves.
    var entries: [SeccompProfile.ResolvedEntry]
    /// Fields that the format does not have.
    var unknownFields: [String]
    /// Who is to listen, where the profile says it.
    var listenerPath: String?

    init(file: String, capabilities: CapabilitySet, architecture: SeccompFilter.Architecture) throws {
        self.file = file
        self.architecture = architecture
        self.capabilities = capabilities
        kernel = try KernelVersion.running()
        unknownFields = []
        if file == "default" {
            filter = .default
            entries = SeccompFilter.default.rules.enumerated().map { .init(index: $0, rules: [$1]) }
            compiled = try Self.reading(file) { () throws(SeccompError) in
                try SeccompFilter.default.compiled(for: architecture)
            }
            return
        }
        let text =
            file == "-"
            ? try Descriptor.standard(.input).readText() : try Descriptor.open(FilePath(file), .reading).readText()
        let here = SeccompProfile.Environment(
            capabilities: capabilities.map(\.description), kernel: .init(kernel.major, kernel.minor),
            architecture: architecture)
        let (profile, filter, entries) = try Self.reading(file) { () throws(SeccompError) in
            let profile = try SeccompProfile(parsing: text)
            return (profile, try profile.resolved(for: here), try profile.entries(for: here))
        }
        self.filter = filter
        self.entries = entries
        compiled = try Self.reading(file) { () throws(SeccompError) in try filter.compiled(for: architecture) }
        unknownFields = profile.unknownFields
        listenerPath = profile.listenerPath
    }

    private static func reading<Value>(_ file: String, _ body: () throws(SeccompError) -> Value) throws -> Value {
        do throws(SeccompError) { return try body() } catch {
            throw ToolFailure(.failed, "\(file == "-" ? "<stdin>" : file): \(error)".printable)
        }
    }

    var counted: [SeccompProfile.ResolvedEntry] { entries.filter { $0.absence == nil } }

    /// How an entry is named in what is printed.
    func place(_ entry: SeccompProfile.ResolvedEntry) -> String {
        file == "default" ? "rule \(entry.index)" : "syscalls[\(entry.index)]"
    }

    /// The system calls by action, in the order of the alphabet, with the conditions of those that have some.
    var byAction: [(action: SeccompFilter.Action, names: [String], conditional: [(name: String, conditions: [String])])]
    {
        var actions: [SeccompFilter.Action] = []
        var names: [SeccompFilter.Action: Set<String>] = [:]
        var conditions: [SeccompFilter.Action: [String: [String]]] = [:]
        // Of the rules without conditions the first for a name counts, and then no other.
        var settled: Set<String> = []
        let effective = filter.rules.filter { $0.action != filter.defaultAction }
        for rule in effective where rule.arguments.isEmpty {
            names[rule.action, default: []].formUnion(Set(rule.syscalls).subtracting(settled))
            settled.formUnion(rule.syscalls)
        }
        for rule in effective {
            if !actions.contains(rule.action) { actions.append(rule.action) }
            for name in rule.syscalls where !rule.arguments.isEmpty && !settled.contains(name) {
                let condition = rule.arguments.map(\.description).joined(separator: " and ")
                let said = conditions[rule.action]?[name] ?? []
                if !said.contains(condition) { conditions[rule.action, default: [:]][name] = said + [condition] }
            }
        }
        return actions.map { action in
            let whole = names[action] ?? []
            let partly = (conditions[action] ?? [:]).sorted { $0.key < $1.key }
            return (action, whole.sorted(), partly.map { ($0.key, $0.value) })
        }
    }

    /// Names in the rules that exist for libseccomp on this architecture and that the running kernel was built without: nil
    /// where that cannot be told. Only calls that came with Linux 5.1 and later: older ones may be called otherwise inside.
    var notInKernel: [String]? {
        guard architecture == .native, let present = KernelSyscalls.present() else { return nil }
        return Set(filter.rules.flatMap(\.syscalls)).filter { name in
            guard let call = SystemCall(named: name), (424..<1024).contains(call.number) else { return false }
            return !present.contains(name)
        }.sorted()
    }

    /// What is decided otherwise than by the default filter, all arguments being 0; a star marks what depends on arguments.
    func differences() throws -> (allowedHere: [String], refusedHere: [String]) {
        let ordinary = try SeccompFilter.default.compiled(for: architecture)
        let conditional = Set(
            (filter.rules + SeccompFilter.default.rules).filter { !$0.arguments.isEmpty }.flatMap(\.syscalls))
        var allowed: [String] = []
        var refused: [String] = []
        for name in SystemCall.names(on: architecture).sorted() {
            guard let call = SystemCall(named: name, on: architecture), let here = compiled.action(on: call),
                let there = ordinary.action(on: call), here.letsPass != there.letsPass
            else { continue }
            let marked = conditional.contains(name) ? name + "*" : name
            if here.letsPass { allowed.append(marked) } else { refused.append(marked) }
        }
        return (allowed, refused)
    }
}

extension SeccompFilter.Action {
    /// Whether the system call is made.
    var letsPass: Bool { self == .allow || self == .log }
}

/// The system calls that the running kernel has, by the names of its functions (`/proc/kallsyms`).
enum KernelSyscalls {
    /// Nil where the kernel does not show them.
    static func present() -> Set<String>? {
        guard let bytes = try? Descriptor.open("/proc/kallsyms", .reading).readBytes() else { return nil }
        #if arch(arm64)
            let prefix = Array("__arm64_sys_".utf8)
        #else
            let prefix = Array("__x64_sys_".utf8)
        #endif
        var names: Set<String> = []
        var start = 0
        // A line: sixteen digits, a blank, the kind, a blank, the name. A call that was left out is a weak symbol (W).
        while start + 19 < bytes.count {
            var end = start + 19
            while end < bytes.count, bytes[end] != 0x0a { end += 1 }
            if bytes[start + 17] == UInt8(ascii: "T"), bytes[start + 19] == prefix[0],
                bytes[(start + 19)..<end].starts(with: prefix)
            {
                names.insert(String(decoding: bytes[(start + 19 + prefix.count)..<end], as: UTF8.self))
            }
            start = end + 1
        }
        return names.isEmpty ? nil : names
    }
}
