// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// A system call that failed, with its arguments frozen as they were.
///
/// Prints as the call, what it acted on and why it failed:
/// `write memory.low <- 402653184 in /kubepods/pod42: Device or resource busy (…)`.
public struct KernelError: Error, Hashable, Sendable {
    /// The system call by its C name, such as `mount_setattr`.
    public var call: String
    /// The file, process or mount it acted on.
    public var subject: String
    /// The value that was written or asked for, where there was one.
    public var value: String?
    /// The directory, cgroup or mount that the subject is relative to.
    public var place: String?
    /// What the kernel answered.
    public var errno: Errno
    /// The likely cause, or the remedy.
    public var hint: String?

    /// Describes a failed call.
    public init(
        _ call: String, _ subject: String, value: String? = nil, in place: String? = nil, errno: Errno,
        hint: String? = nil
    ) {
        self.call = call
        self.subject = subject
        self.value = value
        self.place = place
        self.errno = errno
        self.hint = hint
    }

    /// The same error with a cause.
    public func hinting(_ hint: String?) -> KernelError {
        var copy = self
        copy.hint = hint ?? self.hint
        return copy
    }
}

extension KernelError: CustomStringConvertible {
    /// The call, what it acted on, the kernel's answer and the likely cause.
    public var description: String {
        var text = "\(call) \(subject)"
        if let value { text += " <- \(value)" }
        if let place { text += " in \(place)" }
        text += ": \(errno.description)"
        if let hint { text += " (\(hint))" }
        return text
    }
}

/// Turns a shim's result into a value or a typed error: the only place where -errno becomes `KernelError`.
@discardableResult
func valueOrError<Number: SignedInteger>(
    _ result: Number, _ call: String, _ subject: @autoclosure () -> String, value: @autoclosure () -> String? = nil,
    in place: @autoclosure () -> String? = nil
) throws(KernelError) -> Number {
    guard result < 0 else { return result }
    throw KernelError(call, subject(), value: value(), in: place(), errno: Errno(rawValue: CInt(-result)))
}

/// Repeats a call while a signal interrupts it (EINTR).
func uninterrupted<Number: SignedInteger>(_ call: () -> Number) -> Number {
    while true {
        let result = call()
        if result != Number(-Errno.interrupted.rawValue) { return result }
    }
}

extension Errno {
    /// ENODEV: a file system the kernel has not, or a cgroup that is gone; public in no package we use.
    package static let noDevice = Errno(rawValue: 19)
}
