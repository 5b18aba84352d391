// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage
internal import ToolOutput

/// The filter that `--seccomp` names, for a command with these capabilities: the default one, none, or that of a file.
func compiledSeccomp(_ choice: String?, capabilities: CapabilitySet) throws -> CompiledFilter? {
    switch choice {
    case nil: try SeccompFilter.compiledDefault()
    case "unconfined": nil
    case let file?: try compiledProfile(file, capabilities: capabilities)
    }
}

/// Reads a profile in the OCI form, for a command with these capabilities.
private func compiledProfile(_ file: String, capabilities: CapabilitySet) throws -> CompiledFilter {
    do {
        let text = try Descriptor.open(FilePath(file), .reading).readText()
        let kernel = try KernelVersion.running()
        return try SeccompProfile.compiled(
            text,
            for: .init(
                capabilities: capabilities.map(\.description),
                kernel: SeccompProfile.KernelVersion(kernel.major, kernel.minor)))
    } catch {
        throw ToolFailure(.failed, "--seccomp \(file): \(error)".printable)
    }
}
