// SPDX-License-Identifier: Apache-2.0

package import LinuxKernel
package import SystemPackage

extension Output {
    /// Writes a document to a file, which is replaced as a whole: a reader never sees half of it.
    package static func write(_ document: JSON, to path: FilePath) throws(KernelError) {
        try write(contents: document.description + "\n", to: path)
    }

    /// The same with a text, as it is.
    package static func write(contents: String, to path: FilePath) throws(KernelError) {
        let directory = try folder(of: path)
        let text = Array(contents.utf8)
        let name = path.lastComponent?.string ?? path.string
        // A pipe, a device or a link is written to; to replace it would be to destroy it.
        if let present = try? directory.status(of: name), !present.isRegular {
            return try Descriptor.open(path, [.writing, .truncate, .noControllingTerminal]).write(text)
        }
        let temporary = ".\(name).\(processID)"
        do {
            let file = try directory.open(temporary, [.create, .truncate, .writing, .noFollow], mode: 0o644)
            try file.write(text)
            try directory.rename(temporary, to: name)
        } catch {
            try? directory.removeFile(temporary)
            throw error
        }
    }

    /// The directory that a file is to be written in; opening it shows early that there is none.
    package static func folder(of path: FilePath) throws(KernelError) -> Descriptor {
        let folder = path.removingLastComponent()
        return try Descriptor.open(folder.isEmpty ? "." : folder, [.path, .directory])
    }
}
