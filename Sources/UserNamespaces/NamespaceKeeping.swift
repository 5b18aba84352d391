// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import SystemPackage

extension Namespace {
    /// Keeps the namespace at a path, where it lives on without a process or a descriptor, as `ip netns` does: makes an
    /// empty file and mounts the namespace on it. When that fails, nothing is left.
    ///
    /// - Throws: `EEXIST` when there is something at the path.
    public borrowing func keep(at path: FilePath) throws(KernelError) {
        guard let name = path.lastComponent?.string else {
            throw KernelError("openat2", path.string, errno: .isDirectory)
        }
        let folder = try Descriptor.open(Self.folder(of: path), [.path, .directory])
        // What is kept there already is a mount, and to be told as what exists.
        let file = try folder.open(
            name, [.create, .exclusive, .reading, .noFollow], mode: 0o444, resolve: [.noMagicLinks, .noSymbolicLinks])
        do {
            let tree = try MountCall.clone("", in: descriptor, recursive: false)
            try MountCall.attach(tree, at: file)
        } catch {
            try? folder.removeFile(name)
            throw error.hinting(keepingHint(error.errno))
        }
    }

    private borrowing func keepingHint(_ errno: Errno) -> String? {
        switch (errno, kind) {
        case (.invalidArgument, .mount), (.tooManySymbolicLinkLevels, .mount):
            "a mount namespace can be kept only in one that was made before it: in itself it would never end"
        case (.notPermitted, _): "mounting takes CAP_SYS_ADMIN in the user namespace of the mount namespace"
        default: nil
        }
    }

    /// Takes away what ``keep(at:)`` put at a path: the mount, and the file. The namespace ends with its last user.
    ///
    /// - Throws: `EINVAL` when no namespace is kept there: nothing else is ever unmounted or removed.
    public static func removeKept(at path: FilePath) throws(KernelError) {
        guard let name = path.lastComponent?.string else {
            throw KernelError("umount2", path.string, errno: .isDirectory)
        }
        let folder = try Descriptor.open(Self.folder(of: path), [.path, .directory])
        let kept = try folder.open(name, [.path, .noFollow], resolve: [.noMagicLinks])
        guard try kept.fileSystem() == .namespaces else {
            throw KernelError(
                "umount2", path.string, errno: .invalidArgument, hint: "no namespace is kept there")
        }
        try MountCall.detach(path.string)
        try folder.removeFile(name)
    }

    private static func folder(of path: FilePath) -> FilePath {
        let folder = path.removingLastComponent()
        return folder.isEmpty ? "." : folder
    }
}
