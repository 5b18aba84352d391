// SPDX-License-Identifier: Apache-2.0

internal import PodLaunching

extension PodRuntimeError {
    /// The failure of a part of the work.
    init(of error: any Error) {
        switch error {
        case let error as PodRuntimeError: self = error
        case let error as PodLaunchError: self.init("\(error)", isPermanent: error.isPermanent)
        default: self.init("\(error)")
        }
    }
}
