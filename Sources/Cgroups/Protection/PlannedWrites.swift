// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

extension Cgroup {
    /// Writes the files that a plan has for this cgroup, in the plan's order.
    public borrowing func write(_ files: [PlannedFile]) throws(KernelError) {
        for file in files { try write(text: file.value, to: CgroupFile(named: file.name)) }
    }
}
