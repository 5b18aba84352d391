// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import SeccompFilters

/// The filter that `--seccomp` names: the default one, none, or a profile in the OCI form, which `read` makes of a file
/// for a command with these capabilities.
func compiledSeccomp(
    _ choice: String?, capabilities: CapabilitySet,
    readingProfile read: (_ file: String, CapabilitySet) throws -> CompiledFilter
) throws -> CompiledFilter? {
    switch choice {
    case nil: try SeccompFilter.compiledDefault()
    case "unconfined": nil
    case let file?: try read(file, capabilities)
    }
}
