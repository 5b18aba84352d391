// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage
internal import ToolOutput

/// Reads a profile in the OCI form, for a command with these capabilities.
func readSeccompProfile(_ choice: String, for capabilities: CapabilitySet) throws -> CompiledFilter {
    do {
        let text = try Descriptor.open(FilePath(choice), .reading).readText()
        let kernel = try KernelVersion.running()
        let filter = try SeccompProfile(parsing: text).resolved(
            for: .init(
                capabilities: capabilities.map(\.description),
                kernel: SeccompProfile.KernelVersion(kernel.major, kernel.minor))
        ).compiled()
        // Whoever listens would have to be there before the command; a run has nobody.
        if filter.needsListener { throw SeccompError.needsListener }
        return filter
    } catch {
        throw ToolFailure(.failed, "--seccomp \(choice): \(error)".printable)
    }
}
