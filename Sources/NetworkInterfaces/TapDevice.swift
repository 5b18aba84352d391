// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// An interface whose other end is a descriptor: what is sent over it is read there, and the other way round.
public struct TapDevice: ~Copyable, Sendable {
    /// The interface's name, as the kernel gave it.
    public let name: String
    /// The other end: one frame (of a tun interface one packet) a read or write.
    public let descriptor: Descriptor

    /// Lets the interface live on without its descriptor, or no more (`TUNSETPERSIST`).
    public borrowing func persist(_ persists: Bool = true) throws(KernelError) {
        try NetworkCall.persist(descriptor, persists)
    }

    /// Gives the descriptor away.
    public consuming func take() -> Descriptor { descriptor }
}

extension NetworkNamespace {
    /// Makes a tap interface (or `tun`, which has packets instead of frames), or opens the persistent one of that name
    /// (`TUNSETIFF`, without packet information). It goes with its descriptor. Takes a readable `/dev/net/tun`, and
    /// CAP_NET_ADMIN over the namespace.
    public mutating func makeTap(_ name: String, tun: Bool = false) throws(KernelError) -> TapDevice {
        try check(name)
        let folder = try Descriptor.open("/dev/net", [.path, .directory])
        // The device belongs to the namespace it is opened in. A container's may be a bind mount or a link.
        let device = try NetworkCall.open(
            "tun", below: folder, .readingAndWriting, resolve: [.noMagicLinks], in: joins())
        let given = try NetworkCall.attach(device, name: name, tap: !tun)
        return TapDevice(name: given, descriptor: device)
    }
}
