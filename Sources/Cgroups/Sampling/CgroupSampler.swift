// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// Reads the same files of one cgroup again and again: each is opened once, and a pass costs one `pread` for each.
///
/// ```swift
/// var sampler = try CgroupSampler(of: pod)
/// while try sampler.pass() == .read {
///     print(try sampler.value(of: .memoryCurrent) ?? .zero)
/// }
/// ```
/// A pass keeps the texts; what is asked for is made into numbers when it is asked for. A file that this cgroup does not
/// have (an old kernel, a controller that is not enabled, pressure turned off) is nil and costs no call.
public struct CgroupSampler: ~Copyable, Sendable {
    /// What came of a pass.
    public enum Outcome: Hashable, Sendable {
        /// The values are those of now.
        case read
        /// The cgroup was removed. The values are those of the last pass.
        case gone
    }

    private let location: String
    private let descriptors: DescriptorList
    /// The files that are there, in the order of their descriptors.
    private let names: [String]
    /// Where each file's text is in the buffer, and how much of its place it fills.
    private var places: [Range<Int>]
    private var lengths: [Int]
    private var buffer: [UInt8]
    private var isGone = false

    /// Opens the files; the first pass reads them. `cgroup.procs` and `cgroup.threads` are refused: the kernel gives them in
    /// pieces, so one read does not have them.
    public init(
        of cgroup: borrowing Cgroup, files wanted: [CgroupFile] = CgroupStatistics.files
    ) throws(KernelError) {
        var descriptors = DescriptorList()
        var names: [String] = []
        for file in wanted {
            if let hint = nameFault(file.name) ?? pieces(file) {
                throw KernelError("openat2", file.name, in: cgroup.location, errno: .invalidArgument, hint: hint)
            }
            do {
                switch try cgroup.directory.openIfPresent(file.name, .reading) {
                case .none: break
                case .some(let descriptor):
                    _ = descriptors.append(descriptor)
                    names.append(file.name)
                }
            } catch { throw cgroup.gone(error.placed(in: cgroup.location)) }
        }
        // A cgroup that is gone has no file at all; a living one always has this.
        if names.isEmpty, cgroup.isGone() {
            throw cgroup.gone(KernelError("openat2", "cgroup.procs", in: cgroup.location, errno: .noSuchDevice))
        }
        location = cgroup.location
        self.descriptors = descriptors
        self.names = names
        places = names.indices.map { $0 * 4096..<($0 + 1) * 4096 }
        lengths = names.map { _ in absent }
        buffer = [UInt8](repeating: 0, count: names.count * 4096)
    }

    /// Reads every file once: one `pread` each. A text that outgrew its place is read a second time, once.
    public mutating func pass() throws(KernelError) -> Outcome {
        if isGone { return .gone }
        for index in names.indices {
            var length = descriptors.read(index, into: &buffer, places[index])
            while length == places[index].count {
                makePlace(index)
                length = descriptors.read(index, into: &buffer, places[index])
            }
            if length < 0 {
                let errno = Errno(rawValue: CInt(-length))
                if errno == .noSuchDevice {
                    isGone = true
                    return .gone
                }
                // Pressure files are there, but cannot be read, when the kernel was started without psi=1.
                guard errno == .notSupportedOnSocket, names[index].hasSuffix(".pressure") else {
                    throw KernelError("pread", names[index], in: location, errno: errno)
                }
                length = absent
            }
            lengths[index] = length
        }
        return .read
    }

    /// Gives a file four times the room, at the end of the buffer.
    private mutating func makePlace(_ index: Int) {
        let start = buffer.count
        buffer += [UInt8](repeating: 0, count: places[index].count * 4)
        places[index] = start..<buffer.count
    }

    /// The bytes that a file held at the last pass; nil when the cgroup does not have it.
    public borrowing func bytes(of file: CgroupFile) -> ArraySlice<UInt8>? {
        place(of: file).map { buffer[places[$0].prefix(lengths[$0])] }
    }

    /// Where a file is that was read at the last pass.
    private borrowing func place(of file: CgroupFile) -> Int? {
        guard let index = names.firstIndex(of: file.name), lengths[index] != absent else { return nil }
        return index
    }

    /// The text that a file held at the last pass; nil when the cgroup does not have it.
    public borrowing func text(of file: CgroupFile) -> String? {
        bytes(of: file).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What a file held at the last pass; nil when the cgroup does not have it.
    /// - Throws: EBADMSG when the text is not of the known form.
    public borrowing func value<Value>(of file: StatusFile<Value>) throws(KernelError) -> Value? {
        try decode(file.file)
    }

    /// What a file held at the last pass; nil when the cgroup does not have it.
    /// - Throws: EBADMSG when the text is not of the known form.
    public borrowing func value<Value>(of file: InterfaceFile<Value>) throws(KernelError) -> Value? {
        try decode(file.file)
    }

    /// Whether the cgroup was gone at the last pass.
    public var sawItGone: Bool { isGone }

    private borrowing func decode<Value: StatusValue>(_ file: CgroupFile) throws(KernelError) -> Value? {
        guard let index = place(of: file) else { return nil }
        let range = places[index].lowerBound..<places[index].lowerBound + lengths[index]
        if let value = Value(kernelBytes: buffer.span.extracting(range)) { return value }
        throw KernelError(
            "pread", file.name, value: text(of: file)?.trimmingNewline, in: location, errno: .badMessage,
            hint: "this text is not of the form that is known")
    }
}

/// The length of a text that cannot be read; a text of no bytes is one (`io.stat` where nothing was read yet).
private let absent = -1

/// Why a file cannot be had by one read, or nil.
private func pieces(_ file: CgroupFile) -> String? {
    ["cgroup.procs", "cgroup.threads"].contains(file.name)
        ? "the kernel gives this file in pieces; read(.processes) reads them all" : nil
}
