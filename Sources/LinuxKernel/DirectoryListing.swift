// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel

/// A name in a directory, with the type that the listing itself carries: nothing is looked up twice.
struct DirectoryEntry: Hashable, Sendable {
    var name: String
    /// `d_type`; 4 is a directory, 0 where the file system does not tell.
    var type: UInt8

    /// The entries in what getdents64 returned, without `.` and `..`: in `struct linux_dirent64` the record's length is
    /// at byte 16, the type at byte 18, the name, ended by NUL, from byte 19.
    static func parse(_ bytes: ArraySlice<UInt8>) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        var record = bytes.startIndex
        while record + 19 < bytes.endIndex {
            let length = Int(bytes[record + 16]) | Int(bytes[record + 17]) << 8
            guard length > 19, record + length <= bytes.endIndex else { break }
            let name = String(decoding: bytes[(record + 19)..<(record + length)].prefix { $0 != 0 }, as: UTF8.self)
            if name != "." && name != ".." {
                entries.append(DirectoryEntry(name: name, type: bytes[record + 18]))
            }
            record += length
        }
        return entries
    }
}

extension Descriptor {
    /// The names in this directory, without `.` and `..`, in the order the file system gives them.
    public borrowing func entries() throws(KernelError) -> [String] { try listing().map(\.name) }

    /// The names of the directories in this directory. A file system that does not tell types lists none.
    package borrowing func directories() throws(KernelError) -> [String] {
        try listing().filter { $0.type == 4 }.map(\.name)
    }

    /// How many names there are, and those of directories.
    package borrowing func names() throws(KernelError) -> (count: Int, directories: [String]) {
        let all = try listing()
        return (all.count, all.filter { $0.type == 4 }.map(\.name))
    }

    private borrowing func listing() throws(KernelError) -> [DirectoryEntry] {
        // A directory opened with O_PATH cannot be listed, and a second reader must not share the position.
        let reader = try open(".", [.directory, .reading], resolve: [])
        var entries: [DirectoryEntry] = []
        var buffer = [UInt8](repeating: 0, count: 32768)
        while true {
            let number = reader.number
            let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_getdents64(number, base, bytes.count)
            }
            let end = Int(try valueOrError(count, "getdents64", name))
            if end == 0 { return entries }
            entries += DirectoryEntry.parse(buffer[..<end])
        }
    }
}
