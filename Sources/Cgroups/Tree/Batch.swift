// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// Values for several files of one cgroup, in the order in which they are written.
///
/// ```swift
/// var limits = CgroupBatch()
/// limits.set(.mebibytes(256), in: .memoryMax)
/// limits.set(100, in: .pidsMax)
/// try pod.write(limits)
/// ```
public struct CgroupBatch: Hashable, Sendable {
    /// One value.
    public struct Entry: Hashable, Sendable {
        /// Which file.
        public let file: CgroupFile
        /// What is written.
        public let text: String
        let refusal: String?
    }

    /// The values, in the order of writing.
    public private(set) var entries: [Entry] = []

    /// No value yet.
    public init() {}

    /// Adds a value; a file may come twice, as when a quota is lifted, lowered and lifted again.
    public mutating func set<Value>(_ value: Value, in file: InterfaceFile<Value>) {
        entries.append(Entry(file: file.file, text: value.kernelText, refusal: value.refusal(in: file.file)))
    }

    /// What cannot be written at all, said before anything is.
    func check(in place: String) throws(KernelError) {
        for entry in entries {
            guard let hint = entry.refusal else { continue }
            throw KernelError(
                "write", entry.file.name, value: entry.text, in: place, errno: .invalidArgument, hint: hint)
        }
    }
}

extension Cgroup {
    /// Writes several values: every file is opened before the first is written, so that a missing controller leaves
    /// all as it was, and all are closed by one call (`close_range`, since Linux 5.9). Five values are eleven calls.
    ///
    /// Stops at the first value that the kernel refuses; the error names it, and the values before it are written.
    public borrowing func write(_ batch: CgroupBatch) throws(KernelError) {
        try batch.check(in: location)
        var descriptors = DescriptorList()
        for entry in batch.entries { try open(entry.file, writing: entry.text, into: &descriptors) }
        for (index, entry) in batch.entries.enumerated() { try write(entry, to: descriptors, index) }
    }

    borrowing func open(
        _ file: CgroupFile, writing text: String?, into descriptors: inout DescriptorList
    ) throws(KernelError) {
        do { _ = descriptors.append(try directory.open(file.name, .writing)) } catch {
            // The way of a single value finds out why; nothing is written when the file cannot be opened.
            if let text { try write(text, to: file) }
            throw gone(error.placed(in: location))
        }
    }

    borrowing func write(
        _ entry: CgroupBatch.Entry, to descriptors: borrowing DescriptorList, _ index: Int
    ) throws(KernelError) {
        let count = descriptors.write(entry.text, to: index)
        if count == entry.text.utf8.count { return }
        // The kernel takes a value whole or not at all, and the same value again does no harm: the way of a single
        // value says what was wrong with it.
        if count < 0 { return try write(entry.text, to: entry.file) }
        throw KernelError(
            "write", entry.file.name, value: entry.text, in: location, errno: .ioError,
            hint: "the kernel took \(count) of \(entry.text.utf8.count) bytes")
    }
}

/// Files of one cgroup kept open for writing: one call for each value.
public struct CgroupWriter: ~Copyable, Sendable {
    private let cgroup: Cgroup
    private let files: [CgroupFile]
    private let descriptors: DescriptorList

    /// Opens the files. One that is missing is an error.
    public init(of cgroup: borrowing Cgroup, _ files: [CgroupFile]) throws(KernelError) {
        var descriptors = DescriptorList()
        for file in files { try cgroup.open(file, writing: nil, into: &descriptors) }
        self.cgroup = try cgroup.duplicate()
        self.files = files
        self.descriptors = descriptors
    }

    /// Writes values to files that are held; another file is an error (EBADF).
    public borrowing func write(_ batch: CgroupBatch) throws(KernelError) {
        try batch.check(in: cgroup.location)
        for (position, entry) in batch.entries.enumerated() {
            // A batch in the order of the files is the usual case, and needs no search.
            let isNext = position < files.count && files[position] == entry.file
            guard let index = isNext ? position : files.firstIndex(of: entry.file) else {
                throw KernelError(
                    "write", entry.file.name, value: entry.text, in: cgroup.location, errno: .badFileDescriptor,
                    hint: "this file is not among those that are held open")
            }
            try cgroup.write(entry, to: descriptors, index)
        }
    }
}
