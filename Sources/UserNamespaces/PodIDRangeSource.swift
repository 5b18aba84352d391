// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// Where the ids come from that a node gives to its pods.
public struct PodIDRangeSource: Hashable, Sendable {
    /// The ids.
    public var range: IDRange
    /// In words: `the subordinate ids of kubelet`, or why not those.
    public var reason: String

    /// The user whose subordinate ids a kubelet gives to its pods.
    public static let kubeletUser = "kubelet"

    /// Finds the ids as a kubelet does: a user's subordinate ids, which have to be one range, the same for users and
    /// groups; all ids but the host's first block where there is no such user.
    ///
    /// The program `getsubids` is asked where it is installed; else `/etc/subuid` and `/etc/subgid` are read, and a user
    /// with no line there gets the default range, as from a kubelet that finds no such program.
    public static func find(user: String = kubeletUser) throws(PodIDRangeSourceError) -> PodIDRangeSource {
        try find(user: user, searchPath: systemPath)
    }

    package static func find(
        user: String, searchPath: String, files folder: String = "/etc"
    ) throws(PodIDRangeSourceError) -> PodIDRangeSource {
        guard let uid = try number(of: user, searchPath, folder) else {
            return PodIDRangeSource(range: PodIDRanges.defaultRange, reason: "there is no user \(user)")
        }
        if let program = programInPath("getsubids", path: searchPath) {
            let uids = try ask(program, [user])
            let gids = try ask(program, ["-g", user])
            do {
                return PodIDRangeSource(
                    range: try SubordinateIDs.range(uidOutput: uids, gidOutput: gids),
                    reason: "the subordinate ids of \(user), by getsubids")
            } catch { throw .ids(error, user: user) }
        }
        let users = lines("\(folder)/subuid")
        let groups = lines("\(folder)/subgid")
        do {
            if let range = try SubordinateIDs.range(of: user, uid: uid, users: users, groups: groups) {
                return PodIDRangeSource(range: range, reason: "the subordinate ids of \(user)")
            }
        } catch { throw .ids(error, user: user) }
        return PodIDRangeSource(
            range: PodIDRanges.defaultRange,
            reason: "the user \(user) has no subordinate ids, and there is no getsubids")
    }

    private static func lines(_ path: String) -> [SubordinateIDs] {
        SubordinateIDs.parse((try? readKernelFile(FilePath(path))) ?? "")
    }

    /// What the program prints. Where another waiter of this process saw its end, that is all there is to go by.
    private static func ask(
        _ program: FilePath, _ arguments: [String], alsoFine: ExitStatus = .exited(0)
    ) throws(PodIDRangeSourceError) -> String {
        let run: ProgramRun
        do { run = try ProgramRun(program, arguments: arguments, environment: ["LC_ALL=C"]) } catch {
            throw .kernel(error)
        }
        if let status = run.status, status != .exited(0), status != alsoFine {
            let said = run.error.split(separator: "\n").joined(separator: "; ")
            throw .program(
                "\(program) \(arguments.joined(separator: " ")) \(status)" + (said.isEmpty ? "" : ": \(said)"))
        }
        return run.output
    }

    /// The user's number: by `getent`, which asks every source of users there is, or from the file.
    private static func number(
        of user: String, _ searchPath: String, _ folder: String
    ) throws(PodIDRangeSourceError) -> UInt32? {
        func field(_ text: String) -> UInt32? {
            for line in text.split(separator: "\n") where line.hasPrefix("\(user):") {
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                if fields.count > 2, let uid = UInt32(fields[2]) { return uid }
            }
            return nil
        }
        if folder == "/etc", let program = programInPath("getent", path: searchPath) {
            // 2 is "not found".
            return field(try ask(program, ["passwd", user], alsoFine: .exited(2)))
        }
        return field((try? readKernelFile(FilePath("\(folder)/passwd"))) ?? "")
    }
}

/// Why the ids for pods cannot be told.
public enum PodIDRangeSourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A program could not be run.
    case kernel(KernelError)
    /// A program failed.
    case program(String)
    /// The user's subordinate ids are not what pods can be given.
    case ids(SubordinateIDError, user: String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .kernel(let error): "\(error)"
        case .program(let text): text
        case .ids(let error, let user): "user \(user): \(error)"
        }
    }
}
