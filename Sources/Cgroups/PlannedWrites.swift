// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

extension Cgroup {
    /// Writes the files that a plan has for this cgroup, in the plan's order.
    public borrowing func write(_ files: [PlannedFile]) throws(KernelError) {
        for file in files { try write(file.value, to: CgroupFile(planned: file.name)) }
    }
}

extension CgroupFile {
    /// A file of a plan by its name; the part before the first dot is its controller's.
    public init(planned name: String) {
        let controller = name.prefix { $0 != "." }
        self.init(name, controller == "cgroup" ? nil : Controller(rawValue: String(controller)), since: "4.5")
    }
}
