// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage

// The files that decide who may do what. Whoever can write one of them can have a command executed as root; what is checked
// is the file that is read.

/// Reads a file that only its owner, the agent or root, may write, and only the owner and the group read.
func readSecret(_ path: String, called what: String) throws(NodeServerError) -> [UInt8] {
    try read(path, called: what, without: 0o027, "others may read it, or more than its owner write it; chmod 0600")
}

/// Reads a file that only its owner, the agent or root, may write, such as a policy or an authority's certificate.
package func readTrusted(_ path: String, called what: String) throws(NodeServerError) -> [UInt8] {
    try read(path, called: what, without: 0o022, "others than its owner may write it; chmod go-w")
}

private func read(
    _ path: String, called what: String, without forbidden: UInt32, _ reason: String
) throws(NodeServerError) -> [UInt8] {
    let status: FileStatus
    let bytes: [UInt8]
    do throws(KernelError) {
        // Without waiting: to open a FIFO would.
        let file = try Descriptor.open(FilePath(path), [.reading, .nonBlocking])
        status = try file.status()
        bytes = status.isRegular ? try file.readBytes() : []
    } catch { throw .file(error) }
    guard status.isRegular else { throw .unsafe("\(what) \(path) is not a regular file") }
    guard status.uid == 0 || status.uid == effectiveUserID else {
        throw .unsafe("\(what) \(path) belongs to user \(status.uid), who may write it; chown root \(path)")
    }
    guard status.mode & forbidden == 0 else {
        throw .unsafe("\(what) \(path) has mode \(String(status.mode & 0o7777, radix: 8)): \(reason) \(path)")
    }
    return bytes
}
