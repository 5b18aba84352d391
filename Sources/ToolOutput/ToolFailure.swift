// SPDX-License-Identifier: Apache-2.0

/// The version of the tool.
package let toolVersion = "0.1.0"

/// What the tool's exit code says.
public enum ToolExit: Int32, Sendable {
    /// Done.
    case done = 0
    /// Failed.
    case failed = 1
    /// The command line is wrong.
    case usage = 2
    /// This host cannot do it, and the message says why.
    case impossible = 3
}

/// Ends a command with a message on standard error and an exit code.
public struct ToolFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The exit code.
    public var exit: ToolExit
    /// What is said after `bulkhead: `.
    public var message: String

    /// A failure.
    public init(_ exit: ToolExit, _ message: String) {
        self.exit = exit
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

extension Output {
    /// Says what went wrong, and gives the exit code.
    package static func report(_ error: any Error) -> ToolExit {
        complain("\(error)")
        return (error as? ToolFailure)?.exit ?? .failed
    }
}
