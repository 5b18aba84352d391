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

    /// The next read begins at the start of the file (`lseek`).
    package borrowing func rewind() throws(KernelError) {
        try valueOrError(bk_rewind(number), "lseek", name)
    }

    /// One `read`; the number of bytes, zero at the end.
    package borrowing func read(into buffer: inout [UInt8]) throws(KernelError) -> Int {
        let number = self.number
        let count = unsafe fill(&buffer) { unsafe bk_read(number, $0, $1) }
        return Int(try valueOrError(count, "read", name))
    }

    /// One `pread` from the start of the file into the buffer; the number of bytes. Files of the kernel show their
    /// content of now to whoever reads from the start, so a kept descriptor needs no second open.
    package borrowing func readAgain(into buffer: inout [UInt8]) throws(KernelError) -> Int {
        let number = self.number
        let count = unsafe fill(&buffer) { unsafe bk_pread(number, $0, $1, 0) }
        return Int(try valueOrError(count, "pread", name))
    }

    /// One `pread` at a place of the file; the number of bytes, zero at the end.
    package borrowing func read(into buffer: inout [UInt8], at offset: UInt64) throws(KernelError) -> Int {
        let number = self.number
        let count = unsafe fill(&buffer) { unsafe bk_pread(number, $0, $1, Int64(clamping: offset)) }
        return Int(try valueOrError(count, "pread", name))
    }

    /// Where the next data of the file is, at a place or behind it (`lseek` `SEEK_DATA`, since Linux 3.1); nil at its end.
    package borrowing func nextData(from offset: UInt64) throws(KernelError) -> UInt64? {
        let place = bk_next_data(number, Int64(clamping: offset))
        // ENXIO
        if place == -6 { return nil }
        return UInt64(try valueOrError(place, "lseek SEEK_DATA", name))
    }

    /// Gives the room back that the file has before a place; it keeps its size, and holds nothing there (`fallocate`
    /// `FALLOC_FL_PUNCH_HOLE`).
    package borrowing func free(before offset: UInt64) throws(KernelError) {
        try valueOrError(bk_free_before(number, Int64(clamping: offset)), "fallocate FALLOC_FL_PUNCH_HOLE", name)
    }

    /// Writes all of the bytes, in as many calls as it takes.
    public borrowing func write(_ bytes: [UInt8]) throws(KernelError) {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try writeOnce(rest)) }
    }

    /// One `write`; the number of bytes taken.
    package borrowing func writeOnce(_ bytes: ArraySlice<UInt8>) throws(KernelError) -> Int {
        Int(try valueOrError(writing(bytes), "write", name))
    }

    /// Writes the text in one call, as files of the kernel demand; a short write is an error, for what is written after
    /// it would be another command. A call that a signal interrupted before it took anything is made again, unless that
    /// too would be another command.
    public borrowing func writeValue(
        _ text: String, called file: String, in place: String, again: Bool = true
    ) throws(KernelError) {
        let bytes = Array(text.utf8)
        let result = again ? writing(bytes[...]) : writingOnce(bytes[...])
        let count = try valueOrError(result, "write", file, value: text.trimmingNewline, in: place)
        guard count == bytes.count else {
            throw KernelError(
                "write", file, value: text.trimmingNewline, in: place, errno: .ioError,
                hint: "the kernel took \(count) of \(bytes.count) bytes")
        }
    }

    private borrowing func writing(_ bytes: ArraySlice<UInt8>) -> Int64 {
        while true {
            let result = writingOnce(bytes)
            if result != Int64(-Errno.interrupted.rawValue) { return result }
        }
    }

    private borrowing func writingOnce(_ bytes: ArraySlice<UInt8>) -> Int64 {
        let number = self.number
        return unsafe bytes.withUnsafeBytes { bytes -> Int64 in
            guard let base = bytes.baseAddress else { return 0 }
            return unsafe bk_write(number, base, bytes.count)
        }
    }
}

/// Lets a call fill a buffer, again when a signal interrupted it.
private func fill(_ buffer: inout [UInt8], _ call: (UnsafeMutableRawPointer, Int) -> Int64) -> Int64 {
    uninterrupted {
        unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
            guard let base = bytes.baseAddress else { return 0 }
            return unsafe call(base, bytes.count)
        }
    }
}

extension String {
    /// Without the newline that ends most files of the kernel.
    package var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}

/// Reads a file of the kernel, such as `/proc/sys/user/max_user_namespaces`.
public func readKernelFile(_ path: FilePath) throws(KernelError) -> String {
    try Descriptor.open(path, .reading).readText().trimmingNewline
}
