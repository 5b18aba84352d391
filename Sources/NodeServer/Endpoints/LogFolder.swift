// SPDX-License-Identifier: Apache-2.0

internal import HummingbirdCore
internal import LinuxKernel
internal import NIOCore
internal import SystemPackage

/// The node's own logs: the regular files of one folder, and nothing that a link or a mount in it leads to.
struct LogFolder: Sendable {
    private let path: String?

    /// A folder; nil for none.
    init(_ path: String?) { self.path = path }

    /// A file's content, or a folder's names, one a line, those of folders with a slash.
    func answer(_ name: String) throws(Refusal) -> Answer {
        guard let path else { throw .notFound("this node shows no logs") }
        let answer: Answer?
        do throws(KernelError) {
            let folder = try Descriptor.open(FilePath(path), [.path, .directory])
            // Without waiting: to open a FIFO would, for ever.
            let file = try folder.open(name.isEmpty ? "." : name, [.reading, .nonBlocking])
            let status = try file.status()
            if status.isDirectory {
                answer = Answer(try Self.listing(file))
            } else {
                answer = status.isRegular ? Self.content(OpenFile(file)) : nil
            }
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory, .notDirectory: throw .notFound("there is no file \(name)")
            // What the kernel says of a link, of a mount, and of what would lead out.
            case .tooManySymbolicLinkLevels, .improperLink: throw .notFound("there is no file \(name)")
            default: throw Refusal(NodeServiceError.failed("the log cannot be read: \(error.errno.description)"))
            }
        }
        guard let answer else { throw .notFound("there is no file \(name)") }
        return answer
    }

    private static func content(_ file: OpenFile) -> Answer {
        Answer(
            type: "text/plain", isLong: false,
            body: ResponseBody { writer in
                while let bytes = try file.next() { try await writer.write(ByteBuffer(bytes: bytes)) }
                try await writer.finish(nil)
            })
    }

    private static func listing(_ folder: borrowing Descriptor) throws(KernelError) -> String {
        var text = ""
        for name in try folder.entries().sorted() {
            guard let status = try? folder.status(of: name), status.isDirectory || status.isRegular else { continue }
            text += name + (status.isDirectory ? "/\n" : "\n")
        }
        return text
    }
}

/// A file that one task reads, piece after piece.
private final class OpenFile: Sendable {
    private let file: Descriptor

    init(_ file: consuming Descriptor) { self.file = file }

    func next() throws(KernelError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count = try file.read(into: &buffer)
        return count == 0 ? nil : Array(buffer[..<count])
    }
}
