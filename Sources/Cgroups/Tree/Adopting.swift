// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import SystemPackage

/// What became of a process that was to be moved.
public enum MoveOutcome: Hashable, Sendable {
    /// It lives and is in the cgroup.
    case moved
    /// It ended meanwhile. Its number may have passed to another process, which then is what the kernel moved.
    case ended
    /// It lives, but is elsewhere: somebody moved it on, or its number was another's when the kernel looked.
    case elsewhere(FilePath)
}

extension Cgroup {
    /// Moves a process that is no child of the caller's, and proves what came of it.
    ///
    /// The kernel moves by number, and a number passes to another process when its owner has ended. So the process is
    /// held first (`pidfd_open`, since Linux 5.3), moved, and then it must still live and be shown here by
    /// `/proc/PID/cgroup`. A child that the caller has not waited for keeps its number: `move` is enough for it.
    public borrowing func adopt(_ pid: Int32) throws(KernelError) -> MoveOutcome {
        guard pid > 0 else {
            throw KernelError(
                "pidfd_open", "process \(pid)", in: location, errno: .invalidArgument, hint: "a process id is positive")
        }
        let process: Descriptor
        do { process = try ProcessCall.open(pid) } catch {
            if error.errno == .noSuchProcess { return .ended }
            throw error.errno == .invalidArgument ? error.hinting("this is a thread, not a process") : error
        }
        do { try move(pid) } catch {
            if error.errno == .noSuchProcess { return .ended }
            throw error
        }
        let place: FilePath
        do {
            let cgroup = try Cgroup.of(process: pid)
            // A cgroup's inode is its identity, whatever it is mounted or called as.
            let isHere = try cgroup.directory.status().inode == directory.status().inode
            // The process still lives, so all this was read of itself and not of a later owner of its number.
            if try poll([process.number], timeoutMilliseconds: 0).first?.isEmpty == false { return .ended }
            if isHere { return .moved }
            place = cgroup.path
        } catch {
            if try poll([process.number], timeoutMilliseconds: 0).first?.isEmpty == false { return .ended }
            throw error
        }
        return .elsewhere(place)
    }

    /// Moves one thread into this cgroup (`cgroup.threads`), which must be in the same threaded subtree as the one the
    /// thread comes from. Since Linux 4.14.
    public borrowing func move(thread tid: Int32) throws(KernelError) {
        guard tid > 0 else {
            throw KernelError(
                "write", CgroupFile.threads.name, value: "\(tid)", in: location, errno: .invalidArgument,
                hint: "a thread id is positive")
        }
        try write("\(tid)", to: .threads)
    }

    /// Makes this cgroup a member of a threaded subtree, whose root the parent becomes; it takes threads from then on,
    /// and there is no way back (`cgroup.type`). Since Linux 4.14.
    public borrowing func makeThreaded() throws(KernelError) {
        try write("threaded", to: InterfaceFile<CgroupType>.cgroupType.file)
    }
}

extension CgroupFile {
    static let threads = StatusFile<[Int32]>.threads.file
}
