// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BulkheadRun
internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead cgroup create`: makes a cgroup with its parents.
struct CgroupCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Makes a cgroup, and those above it that are missing.",
        discussion: """
            With --enable it has the interface files of these controllers: each level above gives them on, from the top
            down. Processes in the way are named, and nothing is made. A cgroup that is there already is no error.
            """)

    @Option(
        help: .init("Controllers that it shall have, with commas or again.", valueName: "controllers"))
    var enable: [String] = []

    @OptionGroup var options: CgroupOptions

    func run() throws {
        let controllers = try Self.controllers(enable)
        let place = try CgroupPlace(options.cgroup)
        try place.refuseRoot("made")
        for controller in controllers.sorted() { try place.require(controller, to: "--enable") }
        let isThere = try place.openRoot().has(place.path)
        let cgroup = try place.openRoot().createTree(place.path, enabling: controllers)
        let found = try cgroup.read(.controllers) ?? []
        try options.report(
            [
                "path": .string(place.path.description), "state": isThere ? "exists" : "created",
                "controllers": .array(found.map { .string($0.rawValue) }),
            ], "\(place.path.text) is \(isThere ? "there" : "made")")
    }

    static func controllers(_ words: [String]) throws -> Set<Controller> {
        let names = words.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        return Set(
            try names.map { name in
                let controller = Controller(rawValue: name)
                guard Controller.known.contains(controller) else {
                    throw ToolFailure(
                        .usage,
                        "--enable \(name.printable): there is no such controller; known are "
                            + Controller.known.map(\.rawValue).joined(separator: ", "))
                }
                return controller
            })
    }
}

/// `bulkhead cgroup move`: puts processes into a cgroup.
struct CgroupMoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Moves processes, with all their threads, into a cgroup.",
        discussion: """
            What each was charged for stays with the cgroup it comes from. The exit code is 1 when one of them is not in
            the cgroup in the end: it does not live, or the kernel refused.
            """)

    @OptionGroup var options: CgroupOptions

    @Argument(help: .init("Process ids.", valueName: "pid"))
    var processes: [Int32]

    func validate() throws {
        if let wrong = processes.first(where: { $0 <= 0 }) { throw ValidationError("\(wrong) is no process id") }
    }

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        let cgroup = try place.open()
        var documents: [JSON] = []
        var faults: [String] = []
        for pid in processes {
            let state: String
            do throws(KernelError) {
                switch try cgroup.adopt(pid) {
                case .moved: state = "moved"
                case .ended:
                    state = "ended"
                    faults.append("process \(pid) does not live")
                case .elsewhere(let other):
                    state = "elsewhere"
                    faults.append("process \(pid) is in \(other.string.printable), moved on by somebody else")
                }
            } catch {
                state = "refused"
                faults.append("\(error)".printable)
            }
            documents.append(["pid": .integer(UInt64(pid)), "state": .string(state)])
        }
        let count = processes.count - faults.count
        try options.report(
            ["path": .string(place.path.description), "processes": .array(documents)],
            "\(count) of \(processes.count) moved into \(place.path.text)")
        if !faults.isEmpty { throw ToolFailure(.failed, faults.joined(separator: "\nbulkhead: ")) }
    }
}

/// `bulkhead cgroup delegate`: gives a cgroup into the hands of a user.
struct CgroupDelegateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delegate",
        abstract: "Lets a user manage what is below a cgroup.",
        discussion: """
            The directory and the files that the kernel lists in /sys/kernel/cgroup/delegate become the user's; the limits
            of the cgroup itself do not.
            """)

    @OptionGroup var options: CgroupOptions

    @Argument(help: .init("USER or USER:GROUP, names or numbers.", valueName: "user"))
    var user: String

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        try place.refuseRoot("delegated")
        let identity = try RunIdentity.find(user, inRoot: "/", as: "user")
        let given = try place.open().delegate(uid: identity.uid, gid: identity.gid)
        try options.report(
            [
                "path": .string(place.path.description), "uid": .integer(UInt64(identity.uid)),
                "gid": .integer(UInt64(identity.gid)), "files": .array(given.map { .string($0) }),
            ],
            "\(place.path.text) is for \(user.printable) (\(identity.uid):\(identity.gid)) to manage: "
                + given.joined(separator: ", "))
    }
}

extension Cgroup {
    /// Whether there is a cgroup at a place below this one.
    borrowing func has(_ path: CgroupPath) throws(KernelError) -> Bool {
        do {
            _ = try open(path)
            return true
        } catch {
            if error.errno == .noSuchFileOrDirectory { return false }
            throw error
        }
    }
}
