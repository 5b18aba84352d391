// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import Mounts
internal import SystemPackage
internal import ToolOutput

/// Why a tree was not shifted, in words that say what to do, with the exit code.
struct ShiftFailure {
    private let error: ShiftError
    private let directory: String

    init(_ error: ShiftError, directory: String) {
        self.error = error
        self.directory = directory
    }

    private var remedy: String {
        "bulkhead shift \(directory.printable) --resume finishes it, --rollback undoes it"
    }

    private var isUnfinished: Bool {
        (try? OwnershipShift.unfinished(at: FilePath(directory))).flatMap { $0 } != nil
    }

    /// The error to end with; what a signal stopped is told here.
    func shown(signal: Int32?) -> any Error {
        switch error {
        case .stopped(let outcome):
            let signal = signal ?? 2
            Output.complain(
                isUnfinished
                    ? "stopped by signal \(signal) after \(outcome.changed) inodes were changed; \(remedy)"
                    : "stopped by signal \(signal); nothing was changed")
            return ExitCode(128 + signal)
        case .kernel(let error):
            let isJournal = error.subject == "trusted.bulkhead.shift"
            if isJournal, [.notSupported, .notPermitted].contains(error.errno) {
                return ToolFailure(.impossible, "\(error)")
            }
            return ToolFailure(.failed, isUnfinished ? "\(error); \(remedy)" : "\(error)")
        case .root: return ToolFailure(.usage, "\(error)")
        case .unfinished: return ToolFailure(.failed, "\(error): \(remedy)")
        case .busy, .inUse, .otherMap, .nothingToRollBack, .unfinishedElsewhere, .refused:
            return ToolFailure(.failed, "\(error)")
        }
    }
}
