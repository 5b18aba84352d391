// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// The name of a network setting: a file below `/proc/sys/net`.
public struct NetworkSysctl: Hashable, Sendable, CustomStringConvertible {
    /// The path below `/proc/sys/net`, such as `ipv4/conf/eth0.1/forwarding`.
    public let path: String

    /// Reads a name as sysctl(8) does: with dots (`net.ipv4.ip_forward`) or, where a part holds a dot itself, with slashes
    /// (`net/ipv4/conf/eth0.1/forwarding`). The first of the two that occurs is the separator; `net` in front may be
    /// missing.
    public init(parsing text: String) throws(KernelError) {
        let separator: Character = text.first { $0 == "." || $0 == "/" } ?? "."
        var parts = text.split(separator: separator, omittingEmptySubsequences: false).map { part in
            // As sysctl(8): with dots between, a slash stands for a dot within.
            separator == "." ? String(part.map { $0 == "/" ? "." : $0 }) : String(part)
        }
        if parts.count > 1, parts.first == "net" { parts.removeFirst() }
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.count < 256
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x2f }
        }
        guard isPlain, parts.count > 1 else {
            throw KernelError(
                "openat2", text, in: "/proc/sys/net", errno: .invalidArgument,
                hint: "the name of a network setting is like net.ipv4.ip_forward")
        }
        path = parts.joined(separator: "/")
    }

    /// As sysctl(8) takes it.
    public var description: String {
        path.contains(".") ? "net/\(path)" : "net." + path.split(separator: "/").joined(separator: ".")
    }
}

extension NetworkNamespace {
    /// The value of a setting of this namespace, without the newline at its end.
    public mutating func value(of setting: NetworkSysctl) throws(KernelError) -> String {
        try open(setting, .reading).readText().trimmingNewline
    }

    /// Sets a setting of this namespace. What is the machine's (`net.core.rmem_max`) is refused in other namespaces than
    /// the first, or not there.
    public mutating func set(_ setting: NetworkSysctl, to value: String) throws(KernelError) {
        try open(setting, .writing).writeValue(value, called: setting.path, in: "/proc/sys/net")
    }

    /// Which files are there, and whose they are, is decided by the namespace of who opens them.
    private mutating func open(_ setting: NetworkSysctl, _ flags: OpenFlags) throws(KernelError) -> Descriptor {
        if !holdsSysctls { sysctls = .some(try Self.openSysctls()) }
        switch sysctls {
        case .some(let directory): return try NetworkCall.open(setting.path, below: directory, flags, in: joins())
        case .none: throw KernelError("openat2", setting.path, in: "/proc/sys/net", errno: .badFileDescriptor)
        }
    }

    private var holdsSysctls: Bool {
        switch sysctls {
        case .some: true
        case .none: false
        }
    }

    private static func openSysctls() throws(KernelError) -> Descriptor {
        let directory = try Descriptor.open("/proc/sys/net", [.path, .directory], resolve: .noSymbolicLinks)
        // Something mounted over it would take our writes.
        guard try directory.fileSystem() == .proc else {
            throw KernelError(
                "openat2", "/proc/sys/net", errno: .noSuchFileOrDirectory, hint: "it is not the kernel's (proc)")
        }
        return directory
    }
}
