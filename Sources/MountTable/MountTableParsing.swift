// SPDX-License-Identifier: Apache-2.0

internal import CLibmount
internal import SystemPackage

extension MountTable {
    /// Reads the text of a `mountinfo` file.
    ///
    /// libmount splits the lines. It decodes escapes before options can be split, and a comma in an option's value
    /// (`lowerdir=/a\054b`) would then be the end of it; so it gets every backslash as an escape, hands the kernel's
    /// own text back, and the escapes are decoded here, after splitting.
    public init(parsing text: String) throws(MountTableError) {
        try self.init(bytes: Array(text.utf8))
    }

    init(reading path: FilePath) throws(MountTableError) {
        let bytes: [UInt8]
        do {
            bytes = try contents(of: path)
        } catch {
            throw .unreadable(path, error as? Errno ?? .ioError)
        }
        try self.init(bytes: bytes)
    }

    init(bytes: [UInt8]) throws(MountTableError) {
        entries = try Table().entries(parsing: bytes)
    }
}

private func contents(of path: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    return try file.closeAfter {
        var bytes: [UInt8] = []
        while true {
            // One read is one consistent piece of the table; the kernel gives at most what it has formatted.
            let piece = unsafe try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                count = unsafe try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }
}

/// A libmount table, released with its owner.
@safe private struct Table: ~Copyable {
    private let pointer: OpaquePointer

    init() throws(MountTableError) {
        guard let made = unsafe mnt_new_table() else { throw .failed(call: "mnt_new_table", .noMemory) }
        unsafe pointer = made
    }

    deinit { unsafe mnt_unref_table(pointer) }

    func entries(parsing bytes: [UInt8]) throws(MountTableError) -> [MountEntry] {
        let escaped =
            bytes.contains(backslash) ? bytes.flatMap { $0 == backslash ? Array(#"\134"#.utf8) : [$0] } : bytes
        var line: Int32 = 0
        let result = unsafe escaped.withUnsafeBytes {
            unsafe bk_mnt_parse(pointer, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, &line)
        }
        if line > 0 {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let text = lines.indices.contains(Int(line) - 1) ? lines[Int(line) - 1] : []
            throw .malformed(line: Int(line), text: String(decoding: text, as: UTF8.self))
        }
        if result < 0 { throw .failed(call: "mnt_table_parse_stream", Errno(rawValue: -result)) }

        guard let iterator = unsafe mnt_new_iter(CInt(MNT_ITER_FORWARD)) else {
            throw .failed(call: "mnt_new_iter", .noMemory)
        }
        defer { unsafe mnt_free_iter(iterator) }
        var entries: [MountEntry] = []
        var mount: OpaquePointer?
        while unsafe mnt_table_next_fs(pointer, iterator, &mount) == 0, let mount = unsafe mount {
            entries.append(unsafe MountEntry(mount))
        }
        return entries
    }
}

extension MountEntry {
    fileprivate init(_ mount: OpaquePointer) {
        id = Int(unsafe mnt_fs_get_id(mount))
        parent = Int(unsafe mnt_fs_get_parent_id(mount))
        device = unsafe Device(major: bk_mnt_major(mount), minor: bk_mnt_minor(mount))
        root = unsafe path(mnt_fs_get_root(mount))
        target = unsafe path(mnt_fs_get_target(mount))
        type = unsafe text(mnt_fs_get_fstype(mount))
        source = unsafe text(mnt_fs_get_source(mount))
        options = unsafe MountOptions(kernelText: bytes(mnt_fs_get_vfs_options(mount)))
        superblockOptions = unsafe MountOptions(kernelText: bytes(mnt_fs_get_fs_options(mount)))
        propagation = unsafe Propagation(fields: text(mnt_fs_get_optional_fields(mount)))
    }
}

extension MountOptions {
    fileprivate init(kernelText: [UInt8]) {
        list = kernelText.split(separator: UInt8(ascii: ",")).map { text in
            let parts = text.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let words = parts.map { String(decoding: decoded($0), as: UTF8.self) }
            return Option(words[0], words.count == 2 ? words[1] : nil)
        }
    }
}

private let backslash = UInt8(ascii: "\\")

private func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
    guard let text = unsafe text else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
}

private func text(_ field: UnsafePointer<CChar>?) -> String {
    unsafe String(decoding: decoded(bytes(field)[...]), as: UTF8.self)
}

// From bytes and not by way of String, which would replace what is not UTF-8.
private func path(_ field: UnsafePointer<CChar>?) -> FilePath {
    unsafe FilePath(platformString: decoded(bytes(field)[...]).map { CChar(bitPattern: $0) } + [0])
}

/// The kernel's escapes, a backslash and three octal digits, made the bytes they stand for.
private func decoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
    if !text.contains(backslash) { return Array(text) }
    var result: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        if byte == backslash, digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
            result.append(digits.reduce(0) { $0 << 3 | ($1 & 7) })
            rest = rest.dropFirst(3)
        } else {
            result.append(byte)
        }
    }
    return result
}
