// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import SystemPackage

extension CgroupAssignment {
    /// What the line is about, in files with a line for each device, region or resource: they keep their other lines.
    var key: String? {
        guard known.isKeyed, let space = text.firstIndex(of: " ") else { return nil }
        return String(text[..<space])
    }

    /// The lines that give a file back what it held.
    func undo(_ before: String) -> [String] {
        if file == "cgroup.subtree_control" { return undoControllers(before) }
        guard let key else { return [before] }
        if let line = before.split(separator: "\n").first(where: { $0.hasPrefix(key + " ") }) { return [String(line)] }
        // The kernel shows no line for what has no limit.
        switch file {
        case "io.max": return ["\(key) rbps=max wbps=max riops=max wiops=max"]
        case "io.latency": return ["\(key) target=0"]
        case "io.weight", "io.bfq.weight": return ["\(key) default"]
        case "rdma.max": return ["\(key) hca_handle=max hca_object=max"]
        case "misc.max", "dmem.max": return ["\(key) max"]
        case "dmem.min", "dmem.low": return ["\(key) 0"]
        default: return []
        }
    }

    /// Words with a sign, where the content is words without: only what has changed is turned round.
    private func undoControllers(_ before: String) -> [String] {
        let had = Set(before.split(separator: " "))
        let words = text.split(separator: " ").compactMap { word -> String? in
            let name = word.dropFirst()
            if word.hasPrefix("+") { return had.contains(name) ? nil : "-\(name)" }
            return had.contains(name) ? "+\(name)" : nil
        }
        return words.isEmpty ? [] : [words.joined(separator: " ")]
    }
}

extension Cgroup {
    /// Writes one value, controllers by the way that makes no cgroup threaded.
    borrowing func write(_ assignment: CgroupAssignment) throws(KernelError) {
        let words = assignment.text.split(separator: " ")
        if assignment.file == "cgroup.subtree_control", words.allSatisfy({ $0.hasPrefix("+") }) {
            try enable(Set(words.map { Controller(rawValue: String($0.dropFirst())) }))
        } else {
            try write(text: assignment.text, to: CgroupFile(named: assignment.file))
        }
    }

    /// Writes what a file held before; nothing at all is a line without a word, as for `cpuset.cpus`.
    borrowing func put(_ line: String, in file: String) throws(KernelError) {
        if line.isEmpty {
            try directory.open(file, .writing).writeValue("\n", called: file, in: path.string)
        } else {
            try write(text: line, to: CgroupFile(named: file))
        }
    }
}
