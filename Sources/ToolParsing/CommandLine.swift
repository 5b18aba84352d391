// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
internal import ToolOutput

extension ParsableCommand {
    /// Runs a program with the arguments of its command line (the program's name first); the exit code.
    ///
    /// Stays on the caller's thread: a command that is not asynchronous costs no thread, and the runtime has opened
    /// nothing of its own before closed standard streams are filled.
    package nonisolated(nonsending) static func exitCode(of commandLine: [String]) async -> Int32 {
        Output.fillClosedStreams()
        // Swift reads the arguments from /proc where glibc does not tell them.
        guard !commandLine.isEmpty else {
            Output.complain("the command line cannot be read: /proc is not mounted here")
            return ToolExit.impossible.rawValue
        }
        do {
            var command = try parseAsRoot(Array(commandLine.dropFirst()))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return ToolExit.done.rawValue
        } catch {
            return report(error)
        }
    }

    /// Says what went wrong where it belongs, and gives the exit code.
    private static func report(_ error: any Error) -> Int32 {
        if error is ToolFailure { return Output.report(error).rawValue }
        if let code = error as? ExitCode { return code.rawValue }
        let code = Self.exitCode(for: error)
        let text = fullMessage(for: error)
        if code == .success {  // --help, --version, --generate-completion-script
            do { try Output.print(text) } catch { return Output.report(error).rawValue }
            return ToolExit.done.rawValue
        }
        guard code == .validationFailure else {
            return Output.report(error).rawValue
        }
        Output.complain(text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text)
        return ToolExit.usage.rawValue
    }
}
