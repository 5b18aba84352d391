// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage

/// What the kernel means by refusing a write to a file; nil when that is not known.
///
/// What each answers was seen on Linux 6.1, 6.12 and 7.2 (Tests/Vectors/cgroup-files).
func writeHint(_ errno: Errno, _ file: CgroupFile) -> String? {
    if let hint = coreHint(errno, file) ?? controllerHint(errno, file) { return hint }
    switch errno {
    case .permissionDenied: return "the file belongs to who manages the parent"
    case .notPermitted:
        return "the file belongs to who manages the parent; with the mount option nsdelegate also at the root of a "
            + "cgroup namespace"
    case .readOnlyFileSystem: return "the cgroup file system is mounted read-only"
    case .argListTooLong: return "the kernel takes at most 4096 bytes"
    case .invalidArgument where file.access == .read: return "the file is only read"
    case .invalidArgument where file.writableSince != nil:
        return "the file is only read before Linux \(file.writableSince ?? "")"
    case .invalidArgument, .outOfRange:
        return file.command.map { "it takes \(file.form(of: $0))" }
            ?? (errno == .outOfRange ? "the value is out of the file's range" : nil)
    default: return nil
    }
}

private func coreHint(_ errno: Errno, _ file: CgroupFile) -> String? {
    switch (file.name, errno) {
    case ("cgroup.procs", .resourceBusy): "the cgroup gives controllers to its children, so it takes no process"
    case ("cgroup.procs", .invalidArgument): "kernel threads cannot be moved"
    case ("cgroup.procs", .noSuchProcess), ("cgroup.threads", .noSuchProcess): "the process has ended"
    case ("cgroup.procs", .notSupportedOnSocket): "the cgroup is under a threaded one and takes no process"
    case ("cgroup.procs", .permissionDenied), ("cgroup.threads", .permissionDenied):
        "moving needs the right to write cgroup.procs here and in the common ancestor of here and where it is"
    case ("cgroup.procs", .noSuchFileOrDirectory), ("cgroup.threads", .noSuchFileOrDirectory):
        "the process is outside of the cgroup namespace"
    case ("cgroup.threads", .notSupportedOnSocket): "a thread moves only within the threaded subtree of its process"
    case ("cgroup.subtree_control", .noSuchFileOrDirectory): "the parent has not given one of the controllers"
    case ("cgroup.subtree_control", .invalidArgument): "one of the words is no controller with + or - before it"
    case ("cgroup.subtree_control", .resourceBusy):
        "processes are in the cgroup itself, or a child gives what is to be taken from it"
    case ("cgroup.subtree_control", .notSupportedOnSocket): "the cgroup is in a threaded subtree"
    case ("cgroup.subtree_control", .fileExists): "a child is named like an interface file of one of the controllers"
    case ("cgroup.type", .notSupportedOnSocket):
        "it has processes or controllers that know no threads, or its parent cannot be the domain of threads"
    case ("cgroup.type", .invalidArgument):
        "the only type that can be asked for is \"threaded\", and there is no way back"
    case ("cgroup.kill", .notSupportedOnSocket): "a threaded cgroup cannot be killed by itself, only its domain"
    case (_, .resourceBusy) where file.isPressure: "this descriptor has a trigger already: one each"
    case (_, .invalidArgument) where file.isPressure:
        "waiting up to the window, the window up to 10 s (before Linux 6.12 from 0.5 s; without CAP_SYS_RESOURCE in "
            + "steps of 2 s)"
    case (_, .notPermitted) where file.isPressure: "before Linux 6.4 a trigger takes CAP_SYS_RESOURCE"
    case (_, .notSupportedOnSocket) where file.isPressure: "the kernel was started without psi=1"
    default: nil
    }
}

private func controllerHint(_ errno: Errno, _ file: CgroupFile) -> String? {
    switch (file.name, errno) {
    case ("cpu.max", .invalidArgument):
        "a quota is at least 1000 and at least cpu.max.burst, a period 1000 to 1000000 microseconds"
    case ("cpu.max.burst", .invalidArgument): "a burst is at most the quota of cpu.max"
    case ("cpu.weight", .invalidArgument), ("cpu.weight.nice", .invalidArgument):
        "the weight cannot be set while cpu.idle is 1"
    case ("memory.reclaim", .resourceTemporarilyUnavailable): "less than this could be reclaimed"
    case ("memory.reclaim", .invalidArgument):
        "bytes; \"swappiness=\" is not known to Linux 6.1, \"swappiness=max\" not to 6.12"
    case ("memory.reclaim", .interrupted): "a signal ended it; what was reclaimed until then stays so"
    case ("cpuset.cpus", .outOfRange), ("cpuset.cpus.exclusive", .outOfRange): "the machine has no such processor"
    case ("cpuset.mems", .outOfRange), ("cpuset.mems", .invalidArgument): "the machine has no such memory node"
    case ("cpuset.cpus.exclusive", .invalidArgument): "a sibling has one of these processors for itself"
    case ("cpuset.cpus", .invalidArgument):
        "this is no list of processors, or a sibling has one of them for itself"
    case ("cpuset.cpus", .noSpace), ("cpuset.mems", .noSpace):
        "processes are inside, and something must be left to them"
    case ("io.max", .outOfRange): "a limit of 0 is none: at least 1, or max"
    case ("io.weight", .notSupportedOnSocket): "for one device the cost model must be on (io.cost.qos on the root)"
    case (_, .notSupportedOnSocket) where file.isIO: "the device's driver or scheduler does not do this"
    case (_, .noDevice) where file.isIO: "there is no such block device, or it is a partition of one"
    case ("rdma.max", .noDevice): "there is no such device"
    case ("misc.max", .invalidArgument): "there is no such resource (misc.capacity on the root lists them)"
    case ("dmem.min", .invalidArgument), ("dmem.low", .invalidArgument), ("dmem.max", .invalidArgument):
        "there is no such region (dmem.capacity on the root lists them), or this is no number of bytes"
    default: nil
    }
}

extension CgroupFile {
    var isPressure: Bool { name.hasSuffix(".pressure") && self != Self.pressureSwitch }
    private static let pressureSwitch = InterfaceFile<Bool>.pressureEnabled.file

    /// Whether ENODEV may mean a device and not that the cgroup is gone.
    var namesDevices: Bool { isIO || controller == .rdma }
    var isIO: Bool { controller == .io }
}

/// What the kernel means by refusing a read.
func readHint(_ errno: Errno, _ file: CgroupFile) -> String? {
    switch (file.name, errno) {
    case ("cgroup.procs", .notSupportedOnSocket): "a threaded cgroup lists its threads only, in cgroup.threads"
    case (_, .invalidArgument) where file.access == .write: "the file is only written"
    case (_, .permissionDenied): "the file is not for this user to read"
    default: nil
    }
}
