// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// The network's system calls, in the caller's namespaces or in others'.
///
/// `namespaces` are joined in their order, a user namespace before the network namespace that it owns; none means the
/// caller's. They are joined by a short-lived process that shares the caller's memory and descriptors: no thread of the
/// caller ever leaves its own namespaces.
package enum NetworkCall {
    /// A route netlink socket (`socket`, `setns`).
    package static func socket(in namespaces: [CInt]) throws(KernelError) -> Descriptor {
        try unsafe visit("socket NETLINK_ROUTE", "a network namespace", namespaces) {
            unsafe bk_visit_netlink($0, $1, $2)
        }
    }

    /// A stream socket for IPv4 or IPv6, non-blocking (`socket`, `setns`).
    package static func stream(isIPv6: Bool, in namespaces: [CInt]) throws(KernelError) -> Descriptor {
        // AF_INET6, AF_INET
        try unsafe visit("socket SOCK_STREAM", "a network namespace", namespaces) {
            unsafe bk_visit_stream($0, $1, isIPv6 ? 10 : 2, $2)
        }
    }

    /// Begins to connect a stream to an address of 4 or 16 bytes (`connect`); when it is writable, it is decided.
    package static func connect(
        _ stream: borrowing Descriptor, to address: [UInt8], port: UInt16
    ) throws(KernelError) {
        let number = stream.number
        let result = unsafe address.withUnsafeBufferPointer { bytes -> CInt in
            guard let base = bytes.baseAddress else { return -22 }
            return unsafe bk_connect_stream(number, base, bytes.count, port)
        }
        if result == -Errno.nowInProgress.rawValue { return }
        try valueOrError(result, "connect", "port \(port)")
    }

    /// Fails as the connecting did (`getsockopt` `SO_ERROR`).
    package static func checkConnected(_ stream: borrowing Descriptor) throws(KernelError) {
        try valueOrError(bk_socket_error(stream.number), "connect", stream.name)
    }

    /// A file below a directory, as the namespaces show it (`openat2`, `setns`).
    package static func open(
        _ path: String, below directory: borrowing Descriptor, _ flags: OpenFlags, resolve: ResolveFlags = .strict,
        in namespaces: [CInt]
    ) throws(KernelError) -> Descriptor {
        let number = directory.number
        guard !path.utf8.contains(0) else {
            throw KernelError(
                "openat2", path, in: directory.name, errno: .invalidArgument, hint: "the path holds a NUL byte")
        }
        return try unsafe visit("openat2", path, in: directory.name, namespaces) {
            unsafe bk_visit_open($0, $1, number, path, flags.rawValue, resolve.rawValue, $2)
        }
    }

    /// A new network namespace, owned by the user namespace that is joined, or by the caller's (`unshare`).
    package static func newNamespace(in namespaces: [CInt]) throws(KernelError) -> Descriptor {
        try unsafe visit("unshare CLONE_NEWNET", "a network namespace", namespaces) {
            unsafe bk_visit_new_network($0, $1, $2)
        }
    }

    private static func visit(
        _ call: String, _ subject: String, in place: String? = nil, _ namespaces: [CInt],
        _ body: (UnsafePointer<CInt>, Int, UnsafeMutablePointer<CInt>) -> CInt
    ) throws(KernelError) -> Descriptor {
        var failed: CInt = -1
        // Never empty, so that there is a pointer; -1 is passed over.
        let joins = namespaces.isEmpty ? [-1] : namespaces
        let result = uninterrupted {
            unsafe joins.withUnsafeBufferPointer { joins -> CInt in
                guard let first = joins.baseAddress else { return -22 }
                return unsafe body(first, joins.count, &failed)
            }
        }
        if result < 0, joins.indices.contains(Int(failed)) {
            let name = readLink("/proc/self/fd/\(joins[Int(failed)])") ?? "descriptor \(joins[Int(failed)])"
            throw KernelError("setns", name, errno: Errno(rawValue: -result))
        }
        return Descriptor(owning: try valueOrError(result, call, subject, in: place))
    }

    /// Sends one netlink message (`sendto`).
    package static func send(_ message: [UInt8], over socket: borrowing Descriptor) throws(KernelError) {
        let number = socket.number
        let result = uninterrupted {
            unsafe message.withUnsafeBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_netlink_send(number, base, bytes.count)
            }
        }
        try valueOrError(result, "sendto", "a netlink socket")
    }

    /// Receives one datagram of netlink messages (`recvfrom`); one that is larger than 64 KiB is an error.
    package static func receive(over socket: borrowing Descriptor) throws(KernelError) -> [UInt8] {
        let number = socket.number
        var buffer = [UInt8](repeating: 0, count: 65536)
        let result = uninterrupted {
            unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bk_netlink_receive(number, base, bytes.count)
            }
        }
        let count = Int(try valueOrError(result, "recvfrom", "a netlink socket"))
        guard count <= buffer.count else {
            throw KernelError(
                "recvfrom", "a netlink socket", errno: .noMemory, hint: "a message of \(count) bytes was cut off")
        }
        buffer.removeLast(buffer.count - count)
        return buffer
    }

    /// Makes or opens a tap or tun interface; its name (`ioctl` `TUNSETIFF`).
    package static func attach(_ device: borrowing Descriptor, name: String, tap: Bool) throws(KernelError) -> String {
        var buffer = [CChar](repeating: 0, count: 16)
        for (index, byte) in name.utf8.prefix(15).enumerated() { buffer[index] = CChar(bitPattern: byte) }
        let number = device.number
        let result = unsafe buffer.withUnsafeMutableBufferPointer { buffer -> CInt in
            guard let base = buffer.baseAddress else { return -22 }
            return unsafe bk_tun_attach(number, base, tap ? 1 : 0)
        }
        try valueOrError(result, "ioctl TUNSETIFF", name, in: device.name)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether a tap or tun interface outlives its descriptor (`ioctl` `TUNSETPERSIST`).
    package static func persist(_ device: borrowing Descriptor, _ persists: Bool) throws(KernelError) {
        try valueOrError(bk_tun_persist(device.number, persists ? 1 : 0), "ioctl TUNSETPERSIST", device.name)
    }
}
