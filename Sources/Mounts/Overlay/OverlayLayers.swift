// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// The layers of an overlay, given by descriptor: detached mounts, ID-mapped or not, which nothing else sees.
///
/// ```swift
/// var layers = OverlayLayers()
/// layers.addLower(try DetachedMount(cloning: "/images/base", mappedBy: mapping))
/// layers.setUpper(try DetachedMount(cloning: "/pods/db"), upper: "upper", work: "work")
/// let root = try layers.mounted()
/// ```
/// No temporary mount is made, so none can be left over or be mistaken for a folder. Where the kernel does not take such
/// layers (before Linux 6.15), they are attached in a mount namespace that one thread makes for itself and that ends
/// with it.
public struct OverlayLayers: ~Copyable, Sendable {
    private var lower = DescriptorList()
    private var lowerNames: [String] = []
    private var upper = DescriptorList()
    private var upperNames: (upper: String, work: String)?
    /// Further options of the file system, as `("metacopy", "on")` or `("userxattr", nil)`.
    public var options: [Option] = []
    /// Attributes of the merged mount.
    public var attributes: MountAttributes = []
    /// How the last overlay was made.
    public private(set) var way: Way?

    /// An option of the file system.
    public struct Option: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The value; nil for a word.
        public var value: String?
        /// An option.
        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// How an overlay is made.
    public enum Way: String, Hashable, Sendable {
        /// Each layer by its descriptor (`fsconfig` `FSCONFIG_SET_FD`, of detached mounts since Linux 6.15).
        case byDescriptor
        /// Each layer attached for a moment in a mount namespace of its own.
        case privateNamespace
    }

    /// No layers yet.
    public init() {}

    /// Adds a layer beneath those that were added before: the first is the topmost.
    public mutating func addLower(_ mount: consuming DetachedMount) {
        lowerNames.append(mount.source)
        _ = lower.append(mount.takeTree())
    }

    /// Sets where changes go: two directories of one mount, both there already. The work directory is empty, and both are
    /// used by no other overlay.
    ///
    /// - Parameters:
    ///   - mount: as a rule not ID-mapped: overlay makes its work files as the caller, whose ids a mapped mount mostly lacks.
    ///   - upper: the directory of the changes, beneath the mount.
    ///   - work: the work directory, beneath the mount.
    public mutating func setUpper(_ mount: consuming DetachedMount, upper: String, work: String) {
        self.upper = DescriptorList()
        _ = self.upper.append(mount.takeTree())
        upperNames = (upper, work)
    }

    /// The merged mount, detached. The layers may be let go of afterwards.
    ///
    /// - Parameter way: nil takes the first that works.
    public mutating func mounted(by way: Way? = nil) throws(KernelError) -> DetachedMount {
        guard lower.count > 0 else {
            throw KernelError("fsconfig lowerdir+", "overlay", errno: .invalidArgument, hint: "it has no lower layer")
        }
        let tree: Descriptor
        switch way {
        case .byDescriptor:
            tree = try byDescriptor()
            self.way = .byDescriptor
        case .privateNamespace:
            tree = try inPrivateNamespace()
            self.way = .privateNamespace
        case nil:
            do {
                tree = try byDescriptor()
                self.way = .byDescriptor
            } catch {
                // 6.13 takes descriptors, but of attached mounts only; older kernels do not know the option, or want text;
                // before 6.5 overlay knows no descriptors at all.
                let tooOld: [Errno] = [.invalidArgument, .badFileDescriptor, .noFunction, .notSupported]
                guard tooOld.contains(error.errno) else { throw error }
                tree = try inPrivateNamespace()
                self.way = .privateNamespace
            }
        }
        try refuseSilentReadOnly(tree)
        return DetachedMount(tree, of: "overlay of " + lowerNames.joined(separator: ":"), recursive: false)
    }

    private borrowing func byDescriptor() throws(KernelError) -> Descriptor {
        let context = try FileSystemContext("overlay")
        for index in 0..<lower.count { try context.set("lowerdir+", to: lower, at: index) }
        if let names = upperNames {
            // Not by O_PATH, which fsconfig takes only since 6.14.
            let upper = try self.upper.open(names.upper, at: 0, [.directory, .reading])
            let work = try self.upper.open(names.work, at: 0, [.directory, .reading])
            try context.set("upperdir", to: upper)
            try context.set("workdir", to: work)
        }
        for option in options { try context.set(option.name, option.value) }
        return try context.mount(attributes)
    }

    private borrowing func inPrivateNamespace() throws(KernelError) -> Descriptor {
        let plan = OverlayInNamespace(
            options: options, attributes: attributes, upper: upperNames?.upper, work: upperNames?.work)
        return try plan.mounted(lower: lower.duplicate(), upper: upper.duplicate())
    }

    /// Where overlay cannot make its work directory, it says so to the kernel log only and mounts read-only. An upper
    /// layer whose ID map lacks the caller's ids is the usual cause.
    private borrowing func refuseSilentReadOnly(_ tree: borrowing Descriptor) throws(KernelError) {
        guard upperNames != nil, !attributes.contains(.readOnly), try tree.isOnReadOnlyFileSystem() else { return }
        if options.contains(where: { $0.name == "ro" }) { return }
        throw KernelError(
            "fsmount", "overlay", value: lowerNames.joined(separator: ":"), errno: .readOnlyFileSystem,
            hint:
                "overlay could not make its work files and would be read-only: the upper layer is read-only, or it is "
                + "ID-mapped and its map lacks the ids of the caller; map the lower layers only")
    }
}
