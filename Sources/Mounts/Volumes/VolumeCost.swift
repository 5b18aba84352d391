// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// What giving a volume its owners costs, estimated before it is begun.
public struct VolumeCost: Hashable, Sendable {
    /// The inodes that are looked at.
    public var inodes: InodeCount
    /// Whether the file system copies the contents of every file whose owner changes: an overlay does.
    public var copiesContents: Bool
    /// About how long it takes, in seconds; nil where the inodes could not be counted.
    public var seconds: ClosedRange<Double>?

    /// How many inodes.
    public enum InodeCount: Hashable, Sendable {
        /// The cost does not depend on them.
        case irrelevant
        /// Counted.
        case exactly(UInt64)
        /// The whole file system has no more in use.
        case atMost(UInt64)
        /// Counting was given up there.
        case atLeast(UInt64)
    }

    /// A few system calls, whatever the size.
    public static let constant = VolumeCost(inodes: .irrelevant, copiesContents: false, seconds: 0...0.001)

    init(inodes: InodeCount, copiesContents: Bool, seconds: ClosedRange<Double>?) {
        self.inodes = inodes
        self.copiesContents = copiesContents
        self.seconds = seconds
    }

    /// The cost of rewriting the owners of a tree: small ones are counted, for large ones the file system is asked.
    public init(ofShifting place: borrowing Descriptor, countingUpTo limit: UInt64 = 20_000) throws(KernelError) {
        copiesContents = try place.fileSystem() == .overlay
        let counted = try place.countInodes(upTo: limit)
        if counted < limit {
            inodes = .exactly(counted)
        } else if let used = try place.inodesInUse(), used > counted {
            inodes = .atMost(used)
        } else {
            inodes = .atLeast(counted)
        }
        // Measured an inode: 4 µs when all is cached and 25 µs when it is read from disk; where contents are copied,
        // 70 µs (metacopy) to 350 µs for a small file, and more for a large one.
        let each = copiesContents ? 70e-6...350e-6 : 4e-6...25e-6
        switch inodes {
        case .irrelevant: seconds = nil
        case .exactly(let count): seconds = Double(count) * each.lowerBound...Double(count) * each.upperBound
        case .atMost(let most):
            seconds = Double(counted) * each.lowerBound...Double(most) * each.upperBound
        case .atLeast: seconds = nil
        }
    }
}

extension VolumeCost: CustomStringConvertible {
    /// As `12 inodes, about 0.1 ms`.
    public var description: String {
        var words: [String] = []
        switch inodes {
        case .irrelevant: return "a few system calls, whatever its size"
        case .exactly(let count): words.append("\(count) inodes")
        case .atMost(let count): words.append("at most \(count) inodes")
        case .atLeast(let count): words.append("over \(count) inodes")
        }
        if let seconds {
            let (least, most) = (Self.text(seconds.lowerBound), Self.text(seconds.upperBound))
            words.append(least == most ? "about \(most)" : "about \(least) to \(most)")
        }
        if copiesContents { words.append("and the contents of every file are copied") }
        return words.joined(separator: ", ")
    }

    private static func text(_ seconds: Double) -> String {
        switch seconds {
        case ..<1: "\(Int((seconds * 1000).rounded(.up))) ms"
        case ..<120: "\(Int(seconds.rounded(.up))) s"
        default: "\(Int((seconds / 60).rounded(.up))) min"
        }
    }
}

extension Descriptor {
    /// The names in a tree, itself among them, without what is mounted in it; stops at a limit.
    borrowing func countInodes(upTo limit: UInt64) throws(KernelError) -> UInt64 {
        var count: UInt64 = 1
        guard try status().isDirectory else { return count }
        var folders = ["."]
        while let folder = folders.popLast(), count < limit {
            let names: (count: Int, directories: [String])
            do {
                names = try open(folder, [.directory, .reading]).names()
            } catch {
                // Removed meanwhile, or a mount, which is not part of it.
                if [.noSuchFileOrDirectory, Errno.improperLink].contains(error.errno) { continue }
                throw error
            }
            count += UInt64(names.count)
            folders += names.directories.map { folder == "." ? $0 : "\(folder)/\($0)" }
        }
        return count
    }
}
