// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import FoundationEssentials
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage
internal import ToolOutput

/// Reads a profile in the OCI form. JSON takes Foundation, whose start costs more than a whole run without it.
func readSeccompProfile(_ choice: String, for capabilities: CapabilitySet) throws -> CompiledFilter {
    do {
        let bytes = try Descriptor.open(FilePath(choice), .reading).readBytes()
        let profile = try JSONDecoder().decode(SeccompProfile.self, from: Data(bytes))
        let kernel = try KernelVersion.running()
        return try profile.resolved(
            for: .init(
                capabilities: capabilities.map(\.description),
                kernel: SeccompProfile.KernelVersion(kernel.major, kernel.minor))
        ).compiled()
    } catch let error as DecodingError {
        throw ToolFailure(.failed, "--seccomp \(choice): \(text(error))")
    } catch {
        throw ToolFailure(.failed, "--seccomp \(choice): \(error)")
    }
}

/// Where in the document, and what is wrong.
private func text(_ error: DecodingError) -> String {
    func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return (path.isEmpty ? "" : "\(path): ") + context.debugDescription
    }
    return switch error {
    case .keyNotFound(_, let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        place(context)
    @unknown default: "\(error)"
    }
}
