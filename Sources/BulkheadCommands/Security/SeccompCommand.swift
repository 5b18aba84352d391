// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage

/// `bulkhead seccomp`: system call filters.
struct SeccompCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seccomp", abstract: "Tells what a system call filter means.",
        subcommands: [SeccompExplainCommand.self])
}

/// `bulkhead seccomp explain`: what a profile means here.
struct SeccompExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tells what a seccomp profile allows and refuses here, or what it decides on one system call.",
        discussion: """
            FILE is a profile as Docker, Podman and the OCI write it (JSON), - for standard input, or default for the filter
            of bulkhead run. Every decision is that of the compiled program.
            """)

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(help: .init("Tell what is decided on this system call, and by which rule.", valueName: "name"))
    var syscall: String?

    @Option(
        name: .customLong("arg"), parsing: .singleValue,
        help: .init("An argument of the system call, as 0=0x10; those that are not given are 0.", valueName: "n=v"))
    var arguments: [SyscallArgument] = []

    @Option(help: .init("Explain it for this architecture: x86_64, aarch64, …", valueName: "arch"))
    var arch: String?

    @Option(
        name: .customLong("cap"), parsing: .singleValue,
        help: .init(
            "The workload's capabilities: names, or a set of bulkhead caps. Those of bulkhead run when not given.",
            valueName: "cap"))
    var capabilities: [String] = []

    @Argument(help: .init("The profile.", valueName: "file"), completion: .file())
    var file: String

    func validate() throws {
        if syscall == nil, !arguments.isEmpty { throw ValidationError("--arg needs --syscall") }
    }

    func run() throws {
        let architecture = try readArchitecture()
        if let syscall, !SystemCall.isKnown(syscall) {
            throw ToolFailure(.usage, "--syscall: \(SeccompError.unknownSyscall(syscall))".printable)
        }
        let explanation = try SeccompExplanation(
            file: file, capabilities: try readCapabilities(), architecture: architecture)
        if let syscall {
            var values = [UInt64](repeating: 0, count: 6)
            for argument in arguments { values[argument.index] = argument.value }
            let given = Set(arguments.map(\.index))
            let decision = SeccompDecision(explanation, syscall: syscall, arguments: values, given: given)
            if json { try Output.print(decision.json) } else { try Output.print(decision.text) }
        } else if json {
            try Output.print(explanation.json)
        } else {
            try Output.print(explanation.text(Style.forStandardOutput()))
        }
    }

    private func readArchitecture() throws -> SeccompFilter.Architecture {
        guard let arch else { return .native }
        do throws(SeccompError) { return try SeccompFilter.Architecture(parsing: arch) } catch {
            throw ToolFailure(.usage, "--arch: \(error)".printable)
        }
    }

    private func readCapabilities() throws -> CapabilitySet {
        if capabilities.isEmpty { return .userNamespaceDefault }
        return try capabilities.reduce(into: CapabilitySet()) { all, text in
            let named = CapabilitySet.named.first { $0.name == text.lowercased() }?.set
            all.formUnion(try named ?? CapsReport.set(text))
        }
    }
}

/// An argument of a system call, as `0=0x10`.
struct SyscallArgument: Hashable, Sendable, ExpressibleByArgument {
    var index: Int
    var value: UInt64

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), (0...5).contains(index) else { return nil }
        let text = parts[1]
        let isHexadecimal = text.hasPrefix("0x")
        let digits = isHexadecimal ? text.dropFirst(2) : text
        guard digits.first?.isHexDigit == true, let value = UInt64(digits, radix: isHexadecimal ? 16 : 10) else {
            return nil
        }
        self.index = index
        self.value = value
    }
}
