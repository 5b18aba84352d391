// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Logging

/// Says when to look at a folder of manifests again: after a change that the kernel told of, and every so often, for what it
/// does not tell (the target of a link, another machine's change of a shared file system).
///
/// A file that came whole is looked at immediately; those that follow soon are gathered.
struct ManifestWatch: Sendable {
    let folder: ManifestFolder
    let rescan: Duration
    /// How long changes are gathered: an editor makes several of one, and hundreds of files are read together.
    let quiet: Duration
    let logger: Logger

    /// Calls back until the task is cancelled. The first call follows the watch, so that no change is between the two.
    func run(_ look: @escaping @Sendable () -> Void) async {
        var wasMissing = false
        while !Task.isCancelled {
            let changes: DirectoryChanges
            do { changes = try DirectoryChanges(folder.path) } catch {
                if !wasMissing {
                    logger.warning("the folder of manifests is not watched", metadata: ["cause": "\(error)"])
                }
                wasMissing = true
                look()
                try? await Task.sleep(for: min(rescan, .seconds(1)))
                continue
            }
            wasMissing = false
            look()
            await withTaskGroup { group in
                group.addTask {
                    while let change = await changes.next() {
                        if change == .unsettled { try? await Task.sleep(for: quiet) }
                        look()
                        if change == .gone { return }
                        if change == .whole { try? await Task.sleep(for: quiet) }
                    }
                }
                group.addTask {
                    while (try? await Task.sleep(for: rescan)) != nil { look() }
                }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
