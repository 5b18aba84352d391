// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// A network namespace to configure: the caller's own, or another by its descriptor.
///
/// Its netlink socket is made in the namespace and belongs to it, so no thread of the caller ever leaves its own
/// namespaces. What it takes is CAP_NET_ADMIN over the namespace, and to enter another one CAP_SYS_ADMIN over it too.
///
/// Requests go one after the other: the mutating calls of one value cannot overlap.
public struct NetworkNamespace: ~Copyable, Sendable {
    private let namespace: Descriptor?
    private let owner: Descriptor?
    let socket: Descriptor
    var sequence: UInt32 = 0
    var sysctls: Descriptor?

    /// The caller's own network namespace.
    public init() throws(KernelError) {
        socket = try NetworkCall.socket(in: [])
        namespace = nil
        owner = nil
    }

    /// The network namespace of a descriptor, as `/proc/PID/ns/net` gives it. A caller without privilege joins the user
    /// namespace that owns it first: `owner`.
    public init(
        _ namespace: consuming Descriptor, owner: consuming Descriptor? = nil
    ) throws(KernelError) {
        socket = try NetworkCall.socket(in: Self.joins(owner, namespace))
        self.namespace = .some(consume namespace)
        self.owner = owner
    }

    /// The network namespace of a process.
    public init(of pid: Int32) throws(KernelError) {
        try self.init(try Descriptor.open(FilePath("/proc/\(pid)/ns/net"), .reading))
    }

    /// A new network namespace, with nothing in it but a loopback that is down; it lasts as long as this value, or a
    /// process in it, or a descriptor of it. Its owner is the caller's user namespace (`unshare`).
    public static func new() throws(KernelError) -> NetworkNamespace {
        try NetworkNamespace(try NetworkCall.newNamespace(in: []))
    }

    /// A new network namespace that another user namespace owns.
    public static func new(ownedBy owner: consuming Descriptor) throws(KernelError) -> NetworkNamespace {
        let made = try NetworkCall.newNamespace(in: [owner.number])
        return try NetworkNamespace(made, owner: .some(consume owner))
    }

    /// A descriptor of the namespace, for who joins it.
    public borrowing func descriptor() throws(KernelError) -> Descriptor {
        switch namespace {
        case .some(let namespace): try namespace.duplicate()
        case .none: try Descriptor.open("/proc/thread-self/ns/net", .reading)
        }
    }

    /// What is joined to be in the namespace.
    borrowing func joins() -> [CInt] {
        switch namespace {
        case .some(let namespace): Self.joins(owner, namespace)
        case .none: []
        }
    }

    private static func joins(_ owner: borrowing Descriptor?, _ namespace: borrowing Descriptor) -> [CInt] {
        switch owner {
        case .some(let owner): [owner.number, namespace.number]
        case .none: [namespace.number]
        }
    }
}

extension NetworkNamespace {
    static let requestFlag: UInt16 = 0x1
    static let acknowledge: UInt16 = 0x4
    static let dump: UInt16 = 0x300
    static let exclusiveCreate: UInt16 = 0x600

    /// Makes one request and waits for its acknowledgement (`NLM_F_ACK`).
    mutating func perform(
        _ request: NetlinkRequest, on subject: String, value: String? = nil
    ) throws(KernelError) {
        _ = try exchange(request, flags: Self.requestFlag | Self.acknowledge, on: subject, value: value)
    }

    /// Makes one request and gives the messages of its answer, up to the acknowledgement or the end of the list.
    ///
    /// A list that changed while it was read is read again.
    mutating func ask(
        _ request: NetlinkRequest, flags: UInt16, on subject: String
    ) throws(KernelError) -> [NetlinkMessage] {
        for _ in 0..<16 {
            let answer = try exchange(request, flags: Self.requestFlag | flags, on: subject, value: nil)
            if answer.isWhole { return answer.messages }
        }
        throw failure(request, subject, nil, .resourceTemporarilyUnavailable, "the list keeps changing")
    }

    private mutating func exchange(
        _ request: NetlinkRequest, flags: UInt16, on subject: String, value: String?
    ) throws(KernelError) -> (messages: [NetlinkMessage], isWhole: Bool) {
        sequence &+= 1
        let flagged = NetlinkRequest(request.type, flags: request.flags | flags, payload: request.payload)
        try NetworkCall.send(flagged.bytes(sequence: sequence), over: socket)
        var answer: [NetlinkMessage] = []
        var isWhole = true
        while true {
            let bytes = try NetworkCall.receive(over: socket)
            let messages: [NetlinkMessage]
            var end: (errno: Int32, text: String?)?
            do throws(NetlinkFormatError) {
                // Of an earlier request that failed half-way there may be something left.
                messages = try NetlinkMessage.all(in: bytes[...]).filter { $0.sequence == sequence }
                end = try messages.first { $0.isEnd }?.failure()
            } catch {
                throw failure(request, subject, value, Errno(rawValue: 74), "\(error)")  // EBADMSG
            }
            answer += messages.filter { !$0.isEnd }
            if messages.contains(where: { $0.flags & NetlinkMessage.dumpInterrupted != 0 }) { isWhole = false }
            guard let end else { continue }
            if end.errno == 0 { return (answer, isWhole) }
            throw failure(request, subject, value, Errno(rawValue: end.errno), end.text)
        }
    }

    /// The kernel's own words come first; they name what the number does not.
    borrowing func failure(
        _ request: NetlinkRequest, _ subject: String, _ value: String?, _ errno: Errno, _ text: String?
    ) -> KernelError {
        let hint: String? =
            switch errno {
            case .notPermitted: "CAP_NET_ADMIN over the network namespace is missing"
            case .notSupportedOnSocket where request.type == RouteMessage.newLink:
                "this kernel makes no such interface: it is not compiled in, or its module is missing"
            default: nil
            }
        return KernelError(
            RouteMessage.names[request.type] ?? "netlink \(request.type)", subject, value: value, errno: errno,
            hint: text.flatMap { $0.isEmpty ? nil : $0 } ?? hint)
    }
}
