// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// Where the caller's program is kept from the command.
///
/// A process shows its program's file as `/proc/PID/exe`, from whatever root, and who may write that file can open it
/// there: what a command of the same ids would execute next is its own (CVE-2019-5736). The init is the caller's program,
/// and a command that is executed by way of `/proc/self/exe`. Where it matters both go through a small program of their
/// own, in a sealed file in memory (`bk_gate.c`); it costs the start 80 microseconds, with an init 140.
extension Launch {
    /// Whether the command has a root of its own and ids that may write the file of the caller's program.
    func reachesProgram(joining joined: NamespaceKinds) -> Bool {
        // In the caller's root it has that file by its name.
        guard root != nil || joined.contains(.mount) else { return false }
        guard let file = OwnProgram.file, file.mode & 0o002 == 0, let user else { return true }
        return user.inside(uid: file.uid) != nil || file.mode & 0o020 != 0 && user.inside(gid: file.gid) != nil
    }

    /// What the first word of a gate's line is when it is to execute a command.
    private static let gateMark = "."

    /// The words that a gate gets: what to try, and what the command's line is.
    var gateWords: [String] { [Self.gateMark] + candidates + ["", command] + arguments }

    /// What keeps a program in memory from being executed.
    static func gateHint(_ errno: Errno) -> String? {
        errno == .permissionDenied
            ? "a command that has the ids of the caller's program is started through a program in memory, which the "
                + "sysctl vm.memfd_noexec or a security module forbids" : nil
    }
}

extension Preparation {
    /// Makes the gate of a plan that is complete but for that, and writes it there.
    mutating func makeGate(
        of launch: Launch, in plan: UnsafeMutablePointer<bk_launch_plan>, memory: inout PlanMemory
    ) throws(KernelError) {
        let number = unsafe bk_make_gate(plan)
        guard number >= 0 else {
            let errno = Errno(rawValue: -number)
            throw KernelError("memfd_create", "bulkhead-gate", errno: errno, hint: Launch.gateHint(errno))
        }
        let place = try keepGate(Descriptor(owning: number))
        unsafe plan.pointee.gate = place
        unsafe plan.pointee.gate_words = memory.strings(launch.gateWords)
        let kept = unsafe Array(UnsafeBufferPointer(start: plan.pointee.kept, count: plan.pointee.kept_count)) + [place]
        unsafe plan.pointee.kept = UnsafePointer(memory.array(kept.sorted()))
        unsafe plan.pointee.kept_count = kept.count
    }
}
