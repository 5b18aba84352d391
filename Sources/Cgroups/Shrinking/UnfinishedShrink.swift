// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// A `memory.high` that a shrink has lowered for its time: one that goes on, or one whose caller was killed in it.
///
/// It is written down on the cgroup before `memory.high` is touched (extended attribute `user.bulkhead.shrink`, since
/// Linux 5.7; before that nothing is written down), so that no low value stays behind unnoticed.
public struct UnfinishedShrink: Hashable, Sendable {
    /// What `memory.high` was.
    public let before: ByteCount
    /// What the shrink made of it.
    public let lowered: ByteCount

    static let attribute = "user.bulkhead.shrink"

    init(before: ByteCount, lowered: ByteCount) {
        self.before = before
        self.lowered = lowered
    }

    /// Reads `memory.high BEFORE LOWERED`.
    init?(text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[0] == "memory.high", let before = ByteCount(kernelText: words[1]),
            let lowered = ByteCount(kernelText: words[2])
        else { return nil }
        self.init(before: before, lowered: lowered)
    }

    var text: String { "memory.high \(before.kernelText) \(lowered.kernelText)" }
}

extension Cgroup {
    /// The shrink that has lowered `memory.high` here and has not put it back; nil when there is none.
    /// - Throws: EBADMSG when what is written down about it cannot be read.
    public borrowing func unfinishedShrink() throws(KernelError) -> UnfinishedShrink? {
        let text: String?
        do { text = try reader().attribute(UnfinishedShrink.attribute) } catch {
            // A kernel or a mount without such attributes has none.
            if error.errno == .notSupportedOnSocket { return nil }
            throw gone(error.placed(in: location))
        }
        guard let text else { return nil }
        if let found = UnfinishedShrink(text: text) { return found }
        throw KernelError(
            "fgetxattr", UnfinishedShrink.attribute, value: text, in: location, errno: .badMessage,
            hint: "another version wrote it; set memory.high by hand, then remove the attribute")
    }

    /// Puts back the `memory.high` that a `shrink` left behind because its caller was killed; nil where there is none.
    ///
    /// A value that somebody else has written since stays as it is. Waits for nobody: EBUSY while a shrink goes on here.
    /// - Returns: what `memory.high` is now.
    public borrowing func finishShrink() throws(KernelError) -> ByteCount? {
        let lock = try lockForShrink()
        let high = try takeBackUnfinished()
        _ = consume lock
        return high
    }

    /// The same under the lock.
    borrowing func takeBackUnfinished() throws(KernelError) -> ByteCount? {
        guard let left = try unfinishedShrink() else { return nil }
        if try read(.memoryHigh) == left.lowered { try write(left.before, to: .memoryHigh) }
        try note(nil)
        return try read(.memoryHigh)
    }

    /// Writes down what is about to be done, or that it is done.
    borrowing func note(_ shrink: UnfinishedShrink?) throws(KernelError) {
        do {
            let directory = try reader()
            if let shrink {
                try directory.setAttribute(UnfinishedShrink.attribute, to: shrink.text)
            } else {
                try directory.removeAttribute(UnfinishedShrink.attribute)
            }
        } catch {
            if error.errno == .notSupportedOnSocket { return }
            throw gone(error.placed(in: location))
        }
    }

    /// One shrink of a cgroup at a time. It is another byte than that of who changes the tree: a shrink may take long,
    /// and keeps nobody from the cgroups beside it.
    borrowing func lockForShrink() throws(KernelError) -> Descriptor {
        let name = CgroupFile.subtreeControl.name
        let file: Descriptor
        do { file = try directory.open(name, .writing) } catch { throw gone(error.placed(in: location)) }
        guard try file.lock(from: 1, length: 1) else {
            throw KernelError(
                "fcntl F_OFD_SETLK", name, in: location, errno: .resourceBusy,
                hint: "another shrink of this cgroup goes on")
        }
        return file
    }

    /// The directory, open for reading: extended attributes are not read through `O_PATH`.
    private borrowing func reader() throws(KernelError) -> Descriptor {
        do { return try directory.open(".", [.directory, .reading]) } catch { throw gone(error.placed(in: location)) }
    }
}
