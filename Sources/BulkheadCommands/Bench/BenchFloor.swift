// SPDX-License-Identifier: Apache-2.0

internal import CBenchFloor
internal import Cgroups
internal import LinuxKernel
internal import SystemPackage

/// The same acts by bare system calls in C.
@safe final class BenchFloor {
    private let floor: OpaquePointer

    init(_ limits: BenchLimits, files: [CgroupFile]) throws(KernelError) {
        let controllers = limits.controllers.sorted().map { "+\($0)" }.joined(separator: " ")
        let values = limits.batch.entries.map { "\($0.file)=\($0.text)\n" }.joined()
        guard let floor = unsafe bk_floor_new(controllers, values, files.map { "\($0)\n" }.joined()) else {
            throw KernelError("calloc", "the floor of the benchmark", errno: .noMemory)
        }
        unsafe self.floor = floor
    }

    deinit { unsafe bk_floor_free(floor) }

    /// A whole life of a cgroup.
    func life(in parent: borrowing Cgroup, program: String?, null: BenchHeldDescriptor) throws(KernelError) {
        try check(
            unsafe bk_floor_life(floor, parent.directory.number, program, null.descriptor.number), "bk_floor_life")
    }

    /// The limits: open, write and close of each.
    func set(in cgroup: borrowing Cgroup) throws(KernelError) {
        try check(unsafe bk_floor_set(floor, cgroup.directory.number), "bk_floor_set")
    }

    /// Keeps the limits open.
    func openLimits(of cgroup: borrowing Cgroup) throws(KernelError) {
        try check(unsafe bk_floor_open_limits(floor, cgroup.directory.number), "bk_floor_open_limits")
    }

    /// The limits that are open: a write of each.
    func write() throws(KernelError) { try check(unsafe bk_floor_write(floor), "bk_floor_write") }

    /// Keeps the files open: how many are there.
    func openFiles(of cgroup: borrowing Cgroup) throws(KernelError) -> Int {
        Int(try check(unsafe bk_floor_open_files(floor, cgroup.directory.number), "bk_floor_open_files"))
    }

    /// The files that are open: a pread of each.
    func read() throws(KernelError) { try check(unsafe bk_floor_read(floor), "bk_floor_read") }

    @discardableResult
    private func check(_ result: CInt, _ call: String) throws(KernelError) -> CInt {
        guard result < 0 else { return result }
        throw KernelError(call, "the same in C", errno: Errno(rawValue: -result))
    }
}
