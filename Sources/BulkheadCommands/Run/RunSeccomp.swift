// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage

/// The filter that `--seccomp` names: the default one, none, or a profile in the OCI form.
func compiledSeccomp(_ choice: String?, capabilities: CapabilitySet) throws -> CompiledFilter? {
    guard let choice else { return try SeccompFilter.default.compiled() }
    if choice == "unconfined" { return nil }
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
