// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
public import SystemPackage

extension Descriptor {
    /// Reads to the end of the file.
    public borrowing func readBytes() throws(KernelError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try read(into: &chunk)
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if count == chunk.count { chunk = [UInt8](repeating: 0, count: chunk.count * 4) }
        }
    }

    /// Reads to the end of the file as UTF-8.
    public borrowing func readText() throws(KernelError) -> String {
        String(decoding: try readBytes(), as: UTF8.self)
    }

    /// One `read`; the number of bytes, zero at the end.
    package borrowing func read(into buffer: inout [UInt8]) throws(KernelError) -> Int {
        let number = self.number
        let count = uninterrupted {
            unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_read(number, base, bytes.count)
            }
        }
        return Int(try valueOrError(count, "read", name))
    }

    /// Writes all of the bytes, in as many calls as it takes.
    public borrowing func write(_ bytes: [UInt8]) throws(KernelError) {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try writeOnce(rest)) }
    }

    /// Writes the text in one call, as files of the kernel demand; a short write is an error.
    public borrowing func writeValue(_ text: String, called file: String, in place: String) throws(KernelError) {
        let bytes = Array(text.utf8)
        let number = self.number
        let count = uninterrupted {
            unsafe bytes.withUnsafeBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_write(number, base, bytes.count)
            }
        }
        try valueOrError(count, "write", file, value: text.trimmingNewline, in: place)
        guard count == bytes.count else {
            throw KernelError(
                "write", file, value: text.trimmingNewline, in: place, errno: .ioError,
                hint: "the kernel took \(count) of \(bytes.count) bytes")
        }
    }

    /// One `write`; the number of bytes taken.
    package borrowing func writeOnce(_ bytes: ArraySlice<UInt8>) throws(KernelError) -> Int {
        let number = self.number
        let count = uninterrupted {
            unsafe bytes.withUnsafeBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_write(number, base, bytes.count)
            }
        }
        return Int(try valueOrError(count, "write", name))
    }

    /// The names in this directory, without `.` and `..`, in the order the file system gives them.
    public borrowing func entries() throws(KernelError) -> [String] {
        // A directory opened with O_PATH cannot be listed, and a second reader must not share the position.
        let listing = try open(".", [.directory, .reading], resolve: [])
        var names: [String] = []
        var buffer = [UInt8](repeating: 0, count: 32768)
        while true {
            let number = listing.number
            let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_getdents64(number, base, bytes.count)
            }
            let end = Int(try valueOrError(count, "getdents64", name))
            if end == 0 { return names }
            names.append(contentsOf: directoryEntryNames(buffer[..<end]))
        }
    }
}

/// The names in what getdents64 returned: `struct linux_dirent64` has the record's length at byte 16 and the name,
/// ended by NUL, from byte 19.
func directoryEntryNames(_ bytes: ArraySlice<UInt8>) -> [String] {
    var names: [String] = []
    var record = bytes.startIndex
    while record + 19 < bytes.endIndex {
        let length = Int(bytes[record + 16]) | Int(bytes[record + 17]) << 8
        guard length > 19, record + length <= bytes.endIndex else { break }
        let name = String(decoding: bytes[(record + 19)..<(record + length)].prefix { $0 != 0 }, as: UTF8.self)
        if name != "." && name != ".." { names.append(name) }
        record += length
    }
    return names
}

extension String {
    /// Without the newline that ends most files of the kernel.
    package var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}

/// Reads a file of the kernel, such as `/proc/sys/user/max_user_namespaces`.
public func readKernelFile(_ path: FilePath) throws(KernelError) -> String {
    try Descriptor.open(path, .reading).readText().trimmingNewline
}
