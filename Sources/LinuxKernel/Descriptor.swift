// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// An open file descriptor with one owner: closed when the value goes out of scope.
///
/// Everything Bulkhead opens is close-on-exec. Nothing else holds the number, so a descriptor can neither leak nor be
/// used after it was closed.
public struct Descriptor: ~Copyable, Sendable {
    package let number: CInt

    /// Takes ownership of a descriptor number that nobody else will close.
    package init(owning number: CInt) { self.number = number }

    deinit { _ = bk_close(number) }

    /// Gives the number away: the caller closes it.
    package consuming func release() -> CInt {
        let number = self.number
        discard self
        return number
    }

    /// A second descriptor of the same open file, close-on-exec (`fcntl` `F_DUPFD_CLOEXEC`).
    public borrowing func duplicate() throws(KernelError) -> Descriptor {
        Descriptor(owning: try valueOrError(bk_dup_close_on_exec(number), "fcntl F_DUPFD_CLOEXEC", name))
    }

    /// A second descriptor of the same open file, close-on-exec, at a number of at least `lowest`.
    package borrowing func duplicate(from lowest: CInt) throws(KernelError) -> Descriptor {
        do throws(KernelError) {
            return Descriptor(
                owning: try valueOrError(
                    bk_dup_from(number, lowest), "fcntl F_DUPFD_CLOEXEC", name, value: "from \(lowest) on"))
        } catch {
            throw error.hinting(error.errno == .invalidArgument ? "RLIMIT_NOFILE of the caller is not above it" : nil)
        }
    }

    /// The same file at a number above 2: in a caller with a closed standard stream, what is opened next takes its
    /// number, which in a child is the stream's.
    package consuming func aboveStandard() throws(KernelError) -> Descriptor {
        number > 2 ? self : try duplicate()
    }

    /// A copy of one of the process's standard streams (0, 1, 2).
    public static func standard(_ stream: StandardStream) throws(KernelError) -> Descriptor {
        Descriptor(
            owning: try valueOrError(bk_dup_close_on_exec(stream.rawValue), "fcntl F_DUPFD_CLOEXEC", "\(stream)"))
    }

    /// What the descriptor is, for messages: its path as the kernel knows it now.
    public var name: String { readLink("/proc/self/fd/\(number)") ?? "descriptor \(number)" }
}

/// Standard input, output and error.
public enum StandardStream: CInt, Sendable {
    /// Descriptor 0.
    case input = 0
    /// Descriptor 1.
    case output = 1
    /// Descriptor 2.
    case error = 2
}

/// Two ends of a pipe (`pipe2`, close-on-exec).
public struct Pipe: ~Copyable, Sendable {
    /// Reads what was written to the other end.
    public let reading: Descriptor
    /// Writes to the other end.
    public let writing: Descriptor

    /// Makes a pipe.
    public init() throws(KernelError) {
        var ends: (CInt, CInt) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            guard let base = bytes.baseAddress else { return CInt(-22) }
            return unsafe bk_pipe_close_on_exec(base.assumingMemoryBound(to: CInt.self))
        }
        try valueOrError(result, "pipe2", "O_CLOEXEC")
        let first = Descriptor(owning: ends.0)
        let second = try Descriptor(owning: ends.1).aboveStandard()
        reading = first
        writing = second
    }
}

extension Pipe {
    /// Keeps the reading end and closes the other.
    package consuming func intoReading() -> Descriptor { reading }
}

/// The target of a symbolic link, or nil.
package func readLink(_ path: String) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer -> String? in
        guard let base = buffer.baseAddress else { return nil }
        let length = unsafe bk_readlinkat(atWorkingDirectory, path, base, 4096)
        guard length > 0 else { return nil }
        return unsafe String(
            decoding: UnsafeRawBufferPointer(start: base, count: Int(length)), as: UTF8.self)
    }
}
