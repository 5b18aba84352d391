// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// The version a kernel states of itself, as `uname -r` shows it.
///
/// Good for a warning and for an explanation, never for deciding whether a feature is there: vendors carry features
/// back, and filters hide them. `KernelFeatures` tries them. Compares by its numbers: 5.10 is above 5.9, and what
/// follows the numbers (`-rc3`, `-amd64`) counts for nothing.
public struct KernelVersion: Sendable, CustomStringConvertible {
    /// The whole release, such as `6.12.107-cloud-amd64`.
    public let release: String
    /// The first number.
    public let major: Int
    /// The second number.
    public let minor: Int
    /// The third number, zero where there is none.
    public let patch: Int

    /// Reads a release: two or three numbers, then anything.
    public init(_ release: String) throws(KernelVersionError) {
        var rest = release[...]
        func number() -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
            rest = rest.dropFirst(digits.count)
            return Int(digits)
        }
        guard let major = number(), rest.popFirst() == ".", let minor = number() else {
            throw KernelVersionError(release: release)
        }
        var patch = 0
        if rest.first == "." {
            rest = rest.dropFirst()
            // "6.1.y" is no release of Linux, and neither is a number beyond all bounds.
            guard let third = number() else { throw KernelVersionError(release: release) }
            patch = third
        }
        // A letter that touches the number ("6.1rc") is none of Linux's spellings but no other number either.
        self.release = release
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// A version by its numbers.
    public init(_ major: Int, _ minor: Int, _ patch: Int = 0) {
        self.major = major
        self.minor = minor
        self.patch = patch
        release = patch == 0 ? "\(major).\(minor)" : "\(major).\(minor).\(patch)"
    }

    /// Whether the release is a fiction for old programs: under the personality `UNAME26` (`setarch --uname-2.6`) every
    /// kernel from 4.0 on says 2.6.60 plus its second number, and the first one is lost. The real series ended at 2.6.39.
    public var isDisguised: Bool { major == 2 && minor == 6 && patch >= 40 }

    /// The version of the running kernel (`uname`).
    public static func running() throws(KernelError) -> KernelVersion {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = unsafe buffer.withUnsafeMutableBytes { bytes -> CInt in
            guard let base = bytes.baseAddress else { return -22 }
            return unsafe bk_kernel_release(base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        let count = Int(try valueOrError(length, "uname", "the kernel's release"))
        let release = String(decoding: buffer[..<count], as: UTF8.self)
        do throws(KernelVersionError) {
            return try KernelVersion(release)
        } catch {
            throw KernelError("uname", release, errno: .invalidArgument, hint: error.description)
        }
    }

    /// The release.
    public var description: String { release }
}

extension KernelVersion: Comparable, Hashable {
    /// Compares the numbers: 6.1.176 and 6.1.176+ are equal.
    public static func == (left: KernelVersion, right: KernelVersion) -> Bool {
        (left.major, left.minor, left.patch) == (right.major, right.minor, right.patch)
    }

    /// Compares the numbers.
    public static func < (left: KernelVersion, right: KernelVersion) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    /// Hashes the numbers.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(major)
        hasher.combine(minor)
        hasher.combine(patch)
    }
}

/// A text that is no kernel release.
public struct KernelVersionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text.
    public let release: String

    /// What is wrong.
    public var description: String { "\"\(release)\" is no kernel release: two or three numbers, as in 6.12.107" }
}
