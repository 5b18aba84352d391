// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// What `bulkhead mount` was asked for, as checked values: nothing has been done yet.
struct MountRequest {
    var source: FilePath
    var target: FilePath
    var root: FilePath?
    var ids: IDs
    var recursive: Bool
    var change: MountChange
    var replace: AttachedMount.ReplaceFallback?

    /// What becomes of the owners.
    enum IDs: Equatable {
        case unchanged
        case cleared
        case map(IDMap)
    }

    init(_ command: MountCommand) throws {
        source = try Self.path(command.source, "SRC")
        target = try Self.path(command.target, "DST")
        root = try command.root.map { try Self.path($0, "--root") }
        recursive = command.recursive
        replace = command.replace ? (command.orCover ? .cover : .refuse) : nil
        change = try Self.change(command.attributes)
        ids = try Self.ids(command.ids)
    }

    /// The target as it is now.
    func place() throws(KernelError) -> Descriptor {
        guard let root else { return try Descriptor.open(target, .path) }
        return try Descriptor.open(root, [.path, .directory])
            .open(target.string, .path, resolve: [.inRoot, .noMagicLinks])
    }

    private static func path(_ text: String, _ name: String) throws(ToolFailure) -> FilePath {
        guard !text.isEmpty else { throw ToolFailure(.usage, "\(name) is empty") }
        return FilePath(text)
    }

    static func ids(_ options: MountIDOptions) throws -> IDs {
        if options.clear { return .cleared }
        let map: RelativeIDMap
        if !options.map.isEmpty {
            map = try usage("--map") { () throws(IDMapError) in try RelativeIDMap(parsing: options.map) }
        } else if !options.uidMap.isEmpty {
            map = try usage("--uid-map, --gid-map") { () throws(IDMapError) in
                try RelativeIDMap(parsingUID: options.uidMap, gid: options.gidMap)
            }
        } else {
            return .unchanged
        }
        if options.relativeTo != nil && !map.isRelative {
            throw ToolFailure(.usage, "--relative-to: no extent is relative; write it as @INSIDE:OUTSIDE:COUNT")
        }
        let container = try options.relativeTo.map(container)
        return .map(
            try usage("--map") { () throws(RelativeIDMapError) in try map.resolved(in: container) })
    }

    /// The map of the user namespace that a process is in, in this process's ids.
    private static func container(_ pid: Int32) throws -> IDMap {
        let uid = try readKernelFile(FilePath("/proc/\(pid)/uid_map"))
        let gid = try readKernelFile(FilePath("/proc/\(pid)/gid_map"))
        do { return try IDMap(kernelUID: uid, gid: gid) } catch {
            // The initial namespace's own map reaches to the last id.
            throw ToolFailure(
                .usage, "--relative-to \(pid): it is in this user namespace, or in one without a whole map (\(error))")
        }
    }

    static func change(_ options: MountAttributeOptions) throws(ToolFailure) -> MountChange {
        var change = MountChange(propagation: options.propagation.value)
        for (isSet, attribute) in [
            (options.readOnly, MountAttributes.readOnly), (options.nosuid, .noSetID), (options.nodev, .noDevices),
            (options.noexec, .noExecution),
        ] where isSet { change.set.insert(attribute) }
        for list in options.words {
            for word in list.split(separator: ",", omittingEmptySubsequences: false) {
                guard let part = words[String(word)] else {
                    throw ToolFailure(
                        .usage, "-o \(list): '\(word)' is none of \(words.keys.sorted().joined(separator: ", "))")
                }
                change.apply(part)
            }
        }
        if let both = Self.contradiction(change) {
            throw ToolFailure(.usage, "\(both) is to be set and cleared")
        }
        return change
    }

    private static func contradiction(_ change: MountChange) -> MountAttributes? {
        let both = change.set.intersection(change.clear)
        return both.isEmpty ? nil : both
    }

    /// The words of mount(8).
    private static let words: [String: MountChange] = {
        func set(_ bit: MountAttributes) -> MountChange { MountChange(set: bit, propagation: nil) }
        func clear(_ bit: MountAttributes) -> MountChange { MountChange(clear: bit, propagation: nil) }
        func times(_ value: AccessTimes) -> MountChange { MountChange(accessTimes: value, propagation: nil) }
        return [
            "ro": set(.readOnly), "rw": clear(.readOnly), "nosuid": set(.noSetID), "suid": clear(.noSetID),
            "nodev": set(.noDevices), "dev": clear(.noDevices), "noexec": set(.noExecution),
            "exec": clear(.noExecution), "nosymfollow": set(.noSymbolicLinks), "symfollow": clear(.noSymbolicLinks),
            "nodiratime": set(.noDirectoryAccessTimes), "diratime": clear(.noDirectoryAccessTimes),
            "noatime": times(.never), "relatime": times(.relative), "strictatime": times(.always),
        ]
    }()
}

extension MountChange {
    fileprivate mutating func apply(_ part: MountChange) {
        set.formUnion(part.set)
        clear.formUnion(part.clear)
        accessTimes = part.accessTimes ?? accessTimes
    }
}
