// SPDX-License-Identifier: Apache-2.0

package import LinuxKernel
package import NodeModel
internal import SystemPackage

/// Writes the ID maps of a process that was just made in a new user namespace.
///
/// - Parameter settingGroups: false is for a caller without CAP_SETGID, who must deny `setgroups` first
///   (user_namespaces(7), since Linux 3.19) and may write its own ids only; for more, `newuidmap` and `newgidmap` are
///   called, which need no such denial.
package func writeMaps(_ map: IDMap, toProcess pid: Int32, settingGroups: Bool) throws(KernelError) {
    let place = "/proc/\(pid)"
    if !settingGroups {
        guard MapWriter.isPrivileged else { return try MapWriter(map).write(toProcess: pid) }
        try writeMap("deny", to: "setgroups", in: place)
    }
    do {
        try writeMap(map.uidText, to: "uid_map", in: place)
        try writeMap(map.gidText, to: "gid_map", in: place)
    } catch {
        guard error.errno == .notPermitted else { throw error }
        try writeSplitMaps(map, in: place, after: error)
    }
}

/// The kernel answers EPERM to an extent that lies across two of the caller's own, or is not in it: the first can be
/// helped, the second named.
private func writeSplitMaps(_ map: IDMap, in place: String, after refusal: KernelError) throws(KernelError) {
    guard let own = try? callersMap() else { throw refusal }
    let texts: (uid: String, gid: String)
    do { texts = try map.texts(forParent: own) } catch { throw refusal.hinting("\(error)") }
    guard texts != (map.uidText, map.gidText) else {
        throw refusal.hinting(
            "more than the caller's own id takes CAP_SETUID and CAP_SETGID in the parent user namespace, and root's id "
                + "CAP_SETFCAP since Linux 5.12; or AppArmor restricts user namespaces")
    }
    // A refused write leaves the map as it was; one that was taken stays, and cannot be written again.
    if refusal.subject == "uid_map" { try writeMap(texts.uid, to: "uid_map", in: place) }
    try writeMap(texts.gid, to: "gid_map", in: place)
}

/// The map of the caller's own user namespace.
package func callersMap() throws(KernelError) -> IDMap {
    let texts = (try readKernelFile("/proc/self/uid_map"), try readKernelFile("/proc/self/gid_map"))
    do { return try IDMap(kernelUID: texts.0, gid: texts.1) } catch {
        throw KernelError("read", "uid_map", in: "/proc/self", errno: .invalidArgument, hint: "\(error)")
    }
}

private func writeMap(_ text: String, to file: String, in place: String) throws(KernelError) {
    let target = try hintingAtDumpable { () throws(KernelError) in
        try Descriptor.open(FilePath("\(place)/\(file)"), .writing)
    }
    try target.writeValue(text, called: file, in: place)
}

/// A child that shares the caller's memory is as little open to its own user as the caller is.
func hintingAtDumpable<Answer: ~Copyable>(_ body: () throws(KernelError) -> Answer) throws(KernelError) -> Answer {
    do { return try body() } catch {
        throw error.errno == .permissionDenied && !ProcessCall.isDumpable
            ? error.hinting(
                "this process has changed its ids, so its /proc files are root's; set PR_SET_DUMPABLE to 1 first")
            : error
    }
}

/// Writes maps without CAP_SETUID: the caller's own ids by itself, others by the set-user-ID programs `newuidmap` and
/// `newgidmap`, which know the caller's subordinate ids.
package struct MapWriter: Sendable {
    private let map: IDMap
    /// Nil where the map is the caller's own ids.
    private let programs: (uid: FilePath, gid: FilePath)?

    /// Whether the caller may map ids that are not its own.
    package static var isPrivileged: Bool {
        let wanted: UInt64 = 1 << CallerRights.setUID | 1 << 6  // CAP_SETGID
        return ProcessCall.effectiveCapabilities & wanted == wanted
    }

    /// Looks for what is needed before anything is made; what is missing or could not work is an error that says so.
    package init(_ map: IDMap) throws(KernelError) {
        self.map = map
        let isOwn = { (extents: [IDMap.Extent], id: UInt32) in
            extents.count == 1 && extents[0].count == 1 && extents[0].outside == id
        }
        programs =
            isOwn(map.uid, effectiveUserID) && isOwn(map.gid, effectiveGroupID)
            ? nil : (try Self.program("newuidmap"), try Self.program("newgidmap"))
    }

    /// Writes both maps.
    package func write(toProcess pid: Int32) throws(KernelError) {
        let place = "/proc/\(pid)"
        guard let programs else {
            try writeMap("deny", to: "setgroups", in: place)
            try writeMap(map.uidText, to: "uid_map", in: place)
            try writeMap(map.gidText, to: "gid_map", in: place)
            return
        }
        let parts: (uid: [IDMap.Extent], gid: [IDMap.Extent])
        let own = try callersMap()
        do { parts = try map.split(forParent: own) } catch {
            throw KernelError("newuidmap", "process \(pid)", value: "\(map)", errno: .notPermitted, hint: "\(error)")
        }
        try run(programs.uid, pid, parts.uid, writing: "uid_map")
        try run(programs.gid, pid, parts.gid, writing: "gid_map")
    }

    /// Runs a program, and believes the kernel: the program's exit status may have been another waiter's.
    private func run(
        _ program: FilePath, _ pid: Int32, _ extents: [IDMap.Extent], writing file: String
    ) throws(KernelError) {
        let name = program.lastComponent?.string ?? program.string
        let numbers = extents.flatMap { ["\($0.inside)", "\($0.outside)", "\($0.count)"] }
        let outcome = try ProgramRun(
            program, arguments: ["\(pid)"] + numbers, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
        let written = try readKernelFile(FilePath("/proc/\(pid)/\(file)"))
        let isWritten = (try? IDMap.extents(kernelText: written)) == extents
        if isWritten, outcome.status == nil || outcome.status == .exited(0) { return }
        let said = outcome.error.split(separator: "\n").joined(separator: "; ")
        let end = outcome.status.map { "it \($0)" } ?? "its end was seen by another waiter of this process"
        throw KernelError(
            name, "process \(pid)", value: IDMap.text(extents), errno: .notPermitted,
            hint: (said.isEmpty ? end : "\(said); \(end)") + Self.cause(said, extents, file))
    }

    private static func cause(_ said: String, _ extents: [IDMap.Extent], _ file: String) -> String {
        if said.contains("not allowed") {
            return "; the ids have to be the caller's own or in the caller's lines of "
                + (file == "uid_map" ? "/etc/subuid" : "/etc/subgid")
        }
        return ProcessCall.isDumpable ? "" : "; this process has changed its ids: set PR_SET_DUMPABLE to 1 first"
    }

    private static func program(_ name: String) throws(KernelError) -> FilePath {
        let purpose = "mapping more than the own id takes CAP_SETUID and CAP_SETGID, or \(name) and subordinate ids"
        func refusal(_ reason: String) -> KernelError {
            KernelError(name, "user namespace", errno: .notPermitted, hint: "\(purpose); \(reason)")
        }
        guard let path = programInPath(name, path: systemPath) else {
            throw refusal("there is no \(name) here (Debian's package uidmap, shadow-utils elsewhere)")
        }
        let file = try Descriptor.open(path, .reading)
        let status = try file.status()
        let isSetID = status.uid == 0 && status.mode & 0o4000 != 0
        let hasCapabilities = isSetID ? false : ((try? file.attribute("security.capability")) ?? nil) != nil
        guard isSetID || hasCapabilities else {
            throw refusal("\(path) has neither the set-user-ID bit of root nor file capabilities")
        }
        if ProcessCall.hasNoNewPrivileges {
            throw refusal("this process has no_new_privs set, so \(path) gains no privilege")
        }
        return path
    }
}

/// Where programs of the system are looked up: a caller's `PATH` is not asked for what gains privilege.
let systemPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
