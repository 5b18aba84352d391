// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel

/// Why a server does not start, or no longer runs.
public enum NodeServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is asked for is not safe.
    case unsafe(String)
    /// A file cannot be read.
    case file(KernelError)
    /// A file says something that cannot be.
    case content(file: String, String)
    /// The address cannot be listened on, or no longer.
    case listening(String)

    /// What is wrong, in a sentence.
    public var description: String {
        switch self {
        case .unsafe(let reason): reason
        case .file(let error): error.description
        case .content(let file, let reason): "\(file): \(reason)"
        case .listening(let reason): reason
        }
    }
}
