// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// What decides about the protection of one cgroup, as read from a living tree.
public struct ProtectionReading: Sendable, Hashable {
    /// The cgroups on the way down with their children, from the root of what is mounted.
    public var tree: EffectiveProtection.Node
    /// The cgroup that was asked about or, where the memory controller ends above it, the last ancestor that has it:
    /// there its memory is accounted.
    public var path: CgroupPath
    /// Whether the top of `tree` is the root of the whole hierarchy. If not, ancestors that cannot be seen from here may
    /// cut all that is below.
    public var isComplete: Bool

    /// Where reclaim for the whole machine starts: the root; nil when that cannot be seen.
    public var machine: CgroupPath? { isComplete ? tree.path : nil }

    /// The ancestors with a limit of their own: reclaim starts there, too, when it is reached.
    public var limitedAncestors: [EffectiveProtection.Node] {
        (tree.chain(to: path) ?? []).dropLast().filter { $0.max != .max || $0.high != .max }
    }
}

extension Cgroup {
    /// Reads what decides about the protection of the cgroup at a place below this one, which is the root of what is
    /// mounted: usage and settings of each cgroup on the way, and of their siblings.
    ///
    /// The values are read one after the other from a tree that lives: a sibling that is removed meanwhile is left out,
    /// and sums may be off by what changed in between. A cgroup on the way that is gone is an error.
    ///
    /// Siblings cost one opened directory and two reads each, three when they claim something.
    public borrowing func protection(of path: CgroupPath) throws(KernelError) -> ProtectionReading {
        let isComplete = isRoot()
        var names = path.components
        var top = EffectiveProtection.Node(.root)
        if !isComplete { try readSelf(into: &top) }
        let reached = try readWay(into: &top, names[...])
        names = Array(names.prefix(reached))
        // The names were part of a path before.
        let place = (try? CgroupPath(components: names)) ?? path
        return ProtectionReading(tree: top, path: place, isComplete: isComplete)
    }

    /// Reads the children of this cgroup, and below the one that leads on; how many names were gone down.
    private borrowing func readWay(
        into node: inout EffectiveProtection.Node, _ names: ArraySlice<String>
    ) throws(KernelError) -> Int {
        guard let name = names.first else { return 0 }
        let next = try openChild(name)
        // Below a cgroup that does not hand the controller on, memory is accounted to that one.
        guard try required(.subtreeControl).contains(.memory) else { return 0 }
        var place = node.path
        try place.append(name, in: location)
        var onTheWay = EffectiveProtection.Node(place)
        try next.readSelf(into: &onTheWay)
        let below = try next.readWay(into: &onTheWay, names.dropFirst())
        node.children = try siblings(of: name, below: node.path) + [onTheWay]
        return below + 1
    }

    private borrowing func siblings(
        of name: String, below path: CgroupPath
    ) throws(KernelError) -> [EffectiveProtection.Node] {
        var nodes: [EffectiveProtection.Node] = []
        for other in try children() where other != name {
            do throws(KernelError) {
                guard let sibling = try child(other) else { continue }
                var place = path
                try place.append(other, in: location)
                var node = EffectiveProtection.Node(
                    place, min: try sibling.read(.memoryMin) ?? .zero, low: try sibling.read(.memoryLow) ?? .zero)
                // What claims nothing takes nothing from the others, whatever it uses.
                if node.min > .zero || node.low > .zero { node.usage = try sibling.read(.memoryCurrent) ?? .zero }
                nodes.append(node)
            } catch {
                if !error.meansCgroupIsGone { throw error }
            }
        }
        return nodes
    }

    /// The values of a cgroup on the way. Only the root has none of these files.
    private borrowing func readSelf(into node: inout EffectiveProtection.Node) throws(KernelError) {
        node.usage = try read(.memoryCurrent) ?? .zero
        node.min = try read(.memoryMin) ?? .zero
        node.low = try read(.memoryLow) ?? .zero
        node.high = try read(.memoryHigh) ?? .max
        node.max = try read(.memoryMax) ?? .max
    }
}

extension CgroupPath {
    fileprivate mutating func append(_ name: String, in place: String) throws(KernelError) {
        do { self = try appending(name) } catch {
            throw KernelError("openat2", name, in: place, errno: .invalidArgument, hint: "\(error)")
        }
    }
}

/// Whether protection goes on below cgroups that ask for none (`memory_recursiveprot`, since Linux 5.7).
public struct RecursiveProtection: Sendable, Hashable {
    /// Whether cgroup2 is mounted with the option (`/proc/self/mountinfo`).
    public var isOn: Bool
    /// Whether the kernel knows the option (`/sys/kernel/cgroup/features`); nil when that cannot be read.
    public var isKnown: Bool?

    /// Of this host. The option is the whole hierarchy's, whichever of its mounts is looked at.
    public static func current() -> RecursiveProtection {
        let features = try? readKernelFile("/sys/kernel/cgroup/features")
        return RecursiveProtection(
            mountOptions: CgroupHost.probe().mountOptions, features: features)
    }

    /// Judges the options of the mount and the text of the kernel's list.
    init(mountOptions: [String], features: String?) {
        isOn = mountOptions.contains("memory_recursiveprot")
        isKnown = features.map { $0.split(whereSeparator: \.isWhitespace).contains("memory_recursiveprot") }
    }
}
