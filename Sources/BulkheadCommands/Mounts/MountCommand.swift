// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import Mounts
internal import SystemPackage
internal import ToolOutput

/// `bulkhead mount`: an ID-mapped bind mount.
struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mounts SRC at DST as well, with its owners mapped; nothing on disk changes.",
        discussion: """
            An ID map is INSIDE:OUTSIDE:COUNT: what belongs to INSIDE on disk is seen as OUTSIDE. @INSIDE:OUTSIDE:COUNT is
            relative to a container (--relative-to): OUTSIDE is then an id inside of it.

            The mount is made out of sight and appears with everything set, or not at all. The map is read back from
            the kernel. It is private: what is mounted beneath it later is not seen at SRC, nor the other way.

            Examples:
              bulkhead mount /srv/db /pods/db --map 0:1000000:65536
              bulkhead mount /srv/db /pods/db --map 0:1000000:65536 --read-only --nosuid --nodev
              bulkhead mount /srv/db /pods/db --map @0:0:65536 --relative-to 4711
            """)

    @Argument(help: "The directory or file to mount.", completion: .file()) var source: String
    @Argument(help: "Where: a directory for a directory, a file for a file.", completion: .file()) var target: String

    @OptionGroup(title: "Ids") var ids: MountIDOptions
    @OptionGroup(title: "Attributes") var attributes: MountAttributeOptions

    @Flag(help: "With what is mounted beneath SRC; map and attributes apply to that, too.")
    var recursive = false

    @Flag(help: "Take the place of the mount at DST: at no moment is neither of the two there.")
    var replace = false

    @Flag(help: "With --replace, where the kernel cannot (before 6.5): cover the old mount.")
    var orCover = false

    @Option(help: .init("Look DST up beneath this directory; no link leads out of it.", valueName: "dir"))
    var root: String?

    @Flag(help: "Print one JSON document.") var json = false

    func validate() throws {
        if orCover && !replace { throw ValidationError("--or-cover is for --replace") }
        let maps = !ids.map.isEmpty || !ids.uidMap.isEmpty || !ids.gidMap.isEmpty
        if !ids.map.isEmpty, !ids.uidMap.isEmpty || !ids.gidMap.isEmpty {
            throw ValidationError("--map is for uids and gids alike: leave out --uid-map and --gid-map")
        }
        if ids.uidMap.isEmpty != ids.gidMap.isEmpty {
            throw ValidationError("--uid-map and --gid-map go together: the kernel takes both or none")
        }
        if maps && ids.clear { throw ValidationError("--clear takes the map away: leave out --map") }
        if ids.relativeTo != nil && !maps { throw ValidationError("--relative-to is for --map") }
    }

    func run() throws {
        let session = try MountSession(MountRequest(self))
        let done = try session.run()
        do {
            if json { try Output.print(done.json) } else { try Output.print(done.text) }
        } catch {
            // Who reads exit code 1 takes it that nothing is mounted.
            done.undo()
            throw error
        }
    }
}

struct MountIDOptions: ParsableArguments {
    @Option(help: .init("Map uids and gids alike.", valueName: "inside:outside:count")) var map: [String] = []
    @Option(help: .init("Map uids.", valueName: "inside:outside:count")) var uidMap: [String] = []
    @Option(help: .init("Map gids.", valueName: "inside:outside:count")) var gidMap: [String] = []
    @Option(help: .init("The process whose user namespace relative extents are in.", valueName: "pid"))
    var relativeTo: Int32?
    @Flag(help: "Without the map that SRC is mounted with.") var clear = false
}

struct MountAttributeOptions: ParsableArguments {
    @Flag(help: "No writes.") var readOnly = false
    @Flag(help: "No set-user-id and set-group-id programs, no file capabilities.") var nosuid = false
    @Flag(help: "No devices.") var nodev = false
    @Flag(help: "No programs.") var noexec = false
    @Option(
        name: .customShort("o"), parsing: .singleValue,
        help: .init(
            "Words of mount(8), to set and to clear: ro, rw, nosuid, suid, nodev, dev, noexec, exec, nosymfollow, "
                + "symfollow, noatime, relatime, strictatime, nodiratime, diratime.", valueName: "words"))
    var words: [String] = []
    @Option(help: .init("How mounts beneath spread.", valueName: "private|shared|slave|unbindable"))
    var propagation: MountPropagationChoice = .private
}

enum MountPropagationChoice: String, ExpressibleByArgument, CaseIterable {
    case `private`, shared, slave, unbindable

    var value: MountPropagation {
        switch self {
        case .private: .private
        case .shared: .shared
        case .slave: .slave
        case .unbindable: .unbindable
        }
    }
}

/// `bulkhead umount`: takes a mount away.
struct UmountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "umount",
        abstract: "Takes away the mount at DST; what it covered is seen again.")

    @Argument(help: "Where it is mounted; a link is not followed.", completion: .file()) var target: String

    @Flag(help: "At once, with what is mounted beneath; for those who use it still, when they have ended.")
    var lazy = false

    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        do { try MountCall.unmount(target, lazily: lazy) } catch {
            throw ToolFailure(error.mountExit, error.hinting(hint(error)).description.printable)
        }
        if json {
            try Output.print(["target": .string(target), "unmounted": true])
        } else {
            try Output.print("unmounted \(target.printable)")
        }
    }

    private func hint(_ error: KernelError) -> String? {
        switch error.errno {
        case .invalidArgument: "nothing is mounted exactly there, or an outer user namespace locks it"
        case .resourceBusy: "a process uses it, or something is mounted beneath; --lazy takes all of it away"
        case .notPermitted: "it takes CAP_SYS_ADMIN in the user namespace of the mount namespace; run as root"
        default: nil
        }
    }
}
