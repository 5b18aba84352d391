// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import PodLaunching

extension PodRuntimeError {
    /// The failure of a part of the work.
    init(of error: any Error) {
        switch error {
        case let error as PodRuntimeError: self = error
        case let error as PodLaunchError: self.init("\(error)", isPermanent: error.isPermanent)
        case PodTreeError.planning(let error): self.init("\(error)", isPermanent: true)
        default: self.init("\(error)")
        }
    }
}
