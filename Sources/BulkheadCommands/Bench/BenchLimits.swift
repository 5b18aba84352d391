// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel

/// Five limits that this host can set, and the controllers that they need.
struct BenchLimits {
    private(set) var controllers: Set<Controller> = []
    private(set) var batch = CgroupBatch()

    init(at root: borrowing Cgroup) throws(KernelError) {
        let offered = Set(try root.read(.subtreeControl) ?? [])
        func add<Value>(_ value: Value, _ file: InterfaceFile<Value>) {
            guard batch.entries.count < 5 else { return }
            if let controller = file.file.controller {
                guard offered.contains(controller) else { return }
                controllers.insert(controller)
            }
            batch.set(value, in: file)
        }
        add(.mebibytes(256), .memoryMax)
        add(.mebibytes(192), .memoryHigh)
        add(.mebibytes(64), .memoryLow)
        add(.mebibytes(32), .memoryMin)
        add(100, .pidsMax)
        // Every host has it: writing that nothing is frozen changes nothing, and costs a write as the others do.
        for _ in batch.entries.count..<5 { add(false, .freeze) }
        if controllers.isEmpty, offered.contains(.hugetlb) { controllers.insert(.hugetlb) }
    }

    /// Their names, for the notes.
    var names: String { batch.entries.map(\.file.name).joined(separator: ", ") }
}

/// Controllers that the root gives to its children for the time of the benchmark.
struct BenchLentControllers {
    private let lent: Set<Controller>

    /// Enables memory and pids, where this host has them on version 2.
    init(of root: borrowing Cgroup) throws(KernelError) {
        let wanted = Set(try root.read(.controllers) ?? []).intersection([.memory, .pids])
        lent = wanted.subtracting(try root.read(.subtreeControl) ?? [])
        try root.enable(lent)
    }

    /// Takes them back, unless somebody has begun to use them: then the kernel refuses, and they stay.
    func giveBack(_ root: borrowing Cgroup) {
        if lent.isEmpty { return }
        let words = lent.sorted().map { "-\($0)" }.joined(separator: " ")
        try? root.write(text: words, to: CgroupFile(named: "cgroup.subtree_control"))
    }
}
