// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel

extension Descriptor {
    /// The names of the directories in this directory, by the type the listing itself carries (`d_type`): nothing is
    /// looked up twice. A file system that does not tell the type lists none.
    package borrowing func directories() throws(KernelError) -> [String] {
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
            names.append(contentsOf: directoryNames(buffer[..<end]))
        }
    }

    /// One `pread` from the start of the file into the buffer; the number of bytes. Files of the kernel show their
    /// content of now to whoever reads from the start, so a kept descriptor needs no second open.
    package borrowing func readAgain(into buffer: inout [UInt8]) throws(KernelError) -> Int {
        let number = self.number
        let count = uninterrupted {
            unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_pread(number, base, bytes.count, 0)
            }
        }
        return Int(try valueOrError(count, "pread", name))
    }
}

/// The directories among what getdents64 returned: in `struct linux_dirent64` the record's length is at byte 16, the
/// type at byte 18 (`DT_DIR` is 4), the name from byte 19.
func directoryNames(_ bytes: ArraySlice<UInt8>) -> [String] {
    var names: [String] = []
    var record = bytes.startIndex
    while record + 19 < bytes.endIndex {
        let length = Int(bytes[record + 16]) | Int(bytes[record + 17]) << 8
        guard length > 19, record + length <= bytes.endIndex else { break }
        if bytes[record + 18] == 4 {
            let name = String(decoding: bytes[(record + 19)..<(record + length)].prefix { $0 != 0 }, as: UTF8.self)
            if name != "." && name != ".." { names.append(name) }
        }
        record += length
    }
    return names
}
