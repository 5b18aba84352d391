// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel

/// What can go wrong with capabilities.
public enum CapabilityError: Error, Hashable, Sendable {
    /// No capability of this name is known to libcap.
    case unknownName(String)
    /// libcap could not read a process's sets.
    case unreadable(pid: Int32, call: String, errno: Int32)
    /// Not libcap's text form, such as `cap_net_raw=ep`.
    case malformedText(String)
    /// Not a mask of up to sixteen hexadecimal digits.
    case malformedMask(String)
    /// A line of `/proc/PID/status` that is missing.
    case missingStatusLine(String)
    /// The value of `security.capability` has no known layout.
    case malformedAttribute(String)
    /// A file has one effective bit: all of its capabilities are effective, or none.
    case partlyEffective(String)
    /// Capabilities that can be ambient only while they are permitted and inheritable.
    case notRaisable(CapabilitySet)
    /// The program asks for more than its caller can get, and the kernel refuses to execute it (EPERM).
    case executionRefused(missing: CapabilitySet)
}

extension CapabilityError: CustomStringConvertible {
    /// What is wrong, with the value it is wrong in.
    public var description: String {
        switch self {
        case .unknownName(let name): "'\(name)' is not a capability" + Self.hint(for: name)
        case .unreadable(0, let call, let errno): "\(call) for the calling thread: errno \(errno)"
        case .unreadable(let pid, let call, let errno): "\(call) for process \(pid): errno \(errno)"
        case .malformedText(let text):
            "'\(text)' is no text form of capabilities (such as cap_net_raw,cap_net_admin=ep)"
        case .malformedMask(let text): "'\(text)' is no capability mask: expected up to 16 hexadecimal digits"
        case .missingStatusLine(let line): "the process status has no line \(line)"
        case .malformedAttribute(let what): "security.capability has no known layout: \(what)"
        case .partlyEffective(let text):
            "'\(text)': a file has one effective bit, so all of its capabilities are effective or none"
        case .notRaisable(let set): "\(set) can be ambient only while permitted and inheritable"
        case .executionRefused(let missing):
            "the program's file demands \(missing), which the bounding set does not allow (EPERM)"
        }
    }

    private static func hint(for name: String) -> String {
        let lower = name.lowercased()
        let full = lower.hasPrefix("cap_") ? lower : "cap_" + lower
        return nearMatchHint(to: full, among: Capability.known.map(\.description))
    }
}
