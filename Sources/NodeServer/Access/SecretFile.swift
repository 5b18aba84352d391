// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage

/// Reads a file whose content only its owner and group may know: what is checked is the file that is read.
func readSecret(_ path: String, called what: String) throws(NodeServerError) -> [UInt8] {
    let status: FileStatus
    let bytes: [UInt8]
    do throws(KernelError) {
        // Without waiting: to open a FIFO would.
        let file = try Descriptor.open(FilePath(path), [.reading, .nonBlocking])
        status = try file.status()
        bytes = status.isRegular ? try file.readBytes() : []
    } catch { throw .file(error) }
    guard status.isRegular else { throw .unsafe("\(what) \(path) is not a regular file") }
    guard status.mode & 0o027 == 0 else {
        let mode = String(status.mode & 0o7777, radix: 8)
        throw .unsafe(
            "\(what) \(path) has mode \(mode): others may read it, or more than its owner write it; chmod 0600 \(path)")
    }
    return bytes
}

/// Reads a file that is no secret.
func readPlain(_ path: String) throws(NodeServerError) -> [UInt8] {
    do throws(KernelError) { return try Descriptor.open(FilePath(path), .reading).readBytes() } catch {
        throw .file(error)
    }
}
