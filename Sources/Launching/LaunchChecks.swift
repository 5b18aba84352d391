// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage

extension Launch {
    /// Refuses what the kernel would misunderstand, cut short or refuse without a reason. Needs no kernel.
    public func check() throws(LaunchError) {
        try checkTexts()
        try checkNamespaces()
        try checkCapabilities()
        try checkNumbers()
    }

    private func refuse(_ subject: String, _ value: String?, _ why: String) -> LaunchError {
        LaunchError(.plan, KernelError("launch", subject, value: value, errno: .invalidArgument, hint: why))
    }

    /// C ends a string at its first NUL: what follows would be lost without a word.
    private func checkTexts() throws(LaunchError) {
        func check(_ what: String, _ text: String?) throws(LaunchError) {
            guard let text, text.utf8.contains(0) else { return }
            throw refuse(what, text.split(separator: "\0").first.map(String.init), "it holds a NUL")
        }
        if command.isEmpty { throw refuse("command", nil, "it is empty") }
        try check("command", command)
        for argument in arguments { try check("arguments", argument) }
        for (name, value) in environment {
            if name.isEmpty || name.contains("=") { throw refuse("environment", name, "this is no name of a variable") }
            try check("environment", name)
            try check("environment \(name)", value)
        }
        try check("directory", directory)
        try check("hostName", hostName)
        for volume in volumes {
            try check("volumes", volume.source)
            try check("volumes", volume.target)
        }
    }

    private func checkNamespaces() throws(LaunchError) {
        var joined: NamespaceKinds = []
        for join in joins {
            guard let named = NamespaceKinds.named.first(where: { $0.kind == join.kind }) else {
                throw refuse("joins", join.kind.names, "one namespace has one kind")
            }
            if joined.contains(join.kind) { throw refuse("joins", named.name, "it is there twice") }
            joined.insert(join.kind)
        }
        if namespaces.union(joined).contains(.time) {
            throw refuse(
                "namespaces", "time", "its offsets could not be set: they must be, before a process is in it")
        }
        let both = joined.intersection(namespaces)
        if !both.isEmpty { throw refuse("namespaces", both.names, "it is to be new and is to be joined") }
        if user != nil, joined.contains(.user) {
            throw refuse("user", "user", "a user namespace is joined, which has its map")
        }
        if root != nil, joined.contains(.mount) {
            throw refuse("root", "mnt", "in a joined mount namespace the root of all in it would change")
        }
        if joined.contains(.user), volumes.contains(where: { $0.ownership == .idmapped }) {
            throw refuse(
                "volumes", "idmapped", "the map of a joined user namespace is not known: share SharedNamespaces")
        }
        if outcome != nil, !reaper {
            throw refuse("outcome", nil, "it is written by an init, and the plan has no reaper")
        }
        if root == nil, let volume = volumes.first {
            throw refuse("volumes", volume.target, "they are mounted into a root, and the plan has none")
        }
    }

    private func checkCapabilities() throws(LaunchError) {
        guard let capabilities else {
            for (name, set) in [
                ("effectiveCapabilities", effectiveCapabilities), ("inheritableCapabilities", inheritableCapabilities),
                ("boundingCapabilities", boundingCapabilities), ("ambientCapabilities", ambientCapabilities),
            ] {
                guard let set, !set.isEmpty else { continue }
                throw refuse(name, "\(set)", "it needs capabilities")
            }
            return
        }
        let beyond = ambientCapabilities.subtracting(capabilities)
        if !beyond.isEmpty {
            throw refuse("ambientCapabilities", "\(beyond)", "the kernel raises what is permitted only")
        }
        if let inheritableCapabilities {
            let missing = ambientCapabilities.subtracting(inheritableCapabilities)
            if !missing.isEmpty {
                throw refuse("ambientCapabilities", "\(missing)", "the kernel raises what is inheritable only")
            }
        }
        if let effectiveCapabilities {
            let missing = effectiveCapabilities.subtracting(capabilities)
            if !missing.isEmpty { throw refuse("effectiveCapabilities", "\(missing)", "it is not among the permitted") }
        }
    }

    private func checkNumbers() throws(LaunchError) {
        var kinds: Set<ResourceLimit.Kind> = []
        for limit in limits {
            if limit.soft > limit.hard { throw refuse("limits", "\(limit)", "the soft limit is above the hard one") }
            if !kinds.insert(limit.kind).inserted { throw refuse("limits", "\(limit.kind)", "it is there twice") }
        }
        for number in descriptors.keys where number < 3 {
            throw refuse("descriptors", "\(number)", "0, 1 and 2 are the streams, and below is nothing")
        }
        for number in descriptors.keys where number >= 1 << 20 {
            throw refuse("descriptors", "\(number)", "the kernel has no such numbers unless fs.nr_open is raised")
        }
        if let niceness, !(-20...19).contains(niceness) { throw refuse("niceness", "\(niceness)", "it is -20 to 19") }
        if let score = oomScoreAdjustment, !(-1000...1000).contains(score) {
            throw refuse("oomScoreAdjustment", "\(score)", "it is -1000 to 1000")
        }
        if let fileModeMask, fileModeMask > 0o777 {
            throw refuse("fileModeMask", String(fileModeMask, radix: 8), "it is 0 to 777 in octal digits")
        }
        if let seccomp, seccomp.needsListener {
            throw refuse("seccomp", "a filter that notifies a listener", "the command would wait for nobody's answer")
        }
        if let seccomp, seccomp.instructions.count > 4096 {
            throw refuse("seccomp", "\(seccomp.instructions.count) instructions", "the kernel takes 4096")
        }
    }

    /// The descriptors in the order of their numbers.
    var passed: [(number: Int32, descriptor: SharedDescriptor)] {
        descriptors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
