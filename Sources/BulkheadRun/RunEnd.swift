// SPDX-License-Identifier: Apache-2.0

package import Launching
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// Runs something that launches; a launch that failed is told, and has a shell's exit code.
package func reportingLaunches(_ body: () throws -> Int32) throws -> Int32 {
    do { return try body() } catch let error as LaunchError {
        Output.complain("\(error)")
        return error.exitCode
    }
}

extension LaunchError {
    /// As a shell has it: 127 for a command that is not there, 126 for one that cannot be executed; 3 for what this host
    /// cannot do, 1 for the rest.
    package var exitCode: Int32 {
        switch (step, failure.errno) {
        case (.execute, .noSuchFileOrDirectory): 127
        case (.execute, _): 126
        case (_, .noFunction), (.prepare, .invalidArgument), (.prepare, .notPermitted), (.clone, .notPermitted),
            (.clone, .noSpace), (.maps, .notPermitted):
            ToolExit.impossible.rawValue
        default: ToolExit.failed.rawValue
        }
    }
}
