// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel

/// Reads a folder of manifests on a thread of its own: a file system that does not answer holds up nobody but who asks.
actor ManifestReader {
    private let executor = BlockingExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }
    private let folder: ManifestFolder

    init(_ folder: ManifestFolder) { self.folder = folder }

    func files() throws(KernelError) -> [String: ManifestFolder.Content] { try folder.files() }
}
