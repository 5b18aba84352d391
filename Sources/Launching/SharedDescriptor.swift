// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import Mounts

/// A descriptor that several values refer to; closed with the last of them.
public final class SharedDescriptor: Hashable, Sendable {
    package let descriptor: Descriptor

    /// Takes the descriptor.
    public init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Takes a detached mount, for ``RootFileSystem/Step/tree(_:target:)``.
    public convenience init(_ tree: consuming DetachedMount) { self.init(tree.takeTree()) }

    /// What the kernel calls it, such as its path.
    public var name: String { descriptor.name }

    /// Whether both are the same open descriptor.
    public static func == (one: SharedDescriptor, other: SharedDescriptor) -> Bool { one === other }
    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
