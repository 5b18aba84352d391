// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// A namespace that exists and that a command is born in (`setns`), by its descriptor.
public struct JoinedNamespace: Hashable, Sendable {
    /// Its kind: one. The kernel compares it, and refuses another (EINVAL).
    public var kind: NamespaceKinds
    /// Its descriptor.
    public var namespace: SharedDescriptor

    /// A namespace by a descriptor, such as one of `/proc/PID/ns/net` or of a mounted namespace file.
    public init(_ kind: NamespaceKinds, _ namespace: SharedDescriptor) {
        self.kind = kind
        self.namespace = namespace
    }

    /// A namespace by the path of its file.
    public init(_ kind: NamespaceKinds, path: String) throws(KernelError) {
        self.init(kind, SharedDescriptor(try Descriptor.open(FilePath(path), .reading)))
    }
}

extension NamespaceKinds {
    /// The names of its kinds as `/proc/PID/ns` has them, comma separated.
    var names: String { Self.named.filter { contains($0.kind) }.map(\.name).joined(separator: ", ") }
}
