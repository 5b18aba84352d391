// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import NodeModel

/// One FILE=VALUE of `bulkhead cgroup set`, judged before anything is written.
struct CgroupAssignment: Hashable {
    let file: String
    /// As it was given.
    let asked: String
    /// As it is written: bytes where a quantity was given.
    let text: String

    /// Whether it is one of the files that hold a single number of bytes.
    var isBytes: Bool { Self.holdsBytes(file) }
    /// The bytes, where the file holds them.
    var bytes: ByteCount? { isBytes ? ByteCount(kernelText: text[...]) : nil }

    init(_ argument: String) throws {
        guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
            throw ToolFailure(.usage, "'\(argument.printable)' is not of the form FILE=VALUE, as memory.max=512Mi")
        }
        file = String(argument[..<equals])
        asked = String(argument[argument.index(after: equals)...])
        guard file.contains("."), !file.contains("/"), file.utf8.count < 256 else {
            throw ToolFailure(.usage, "'\(file.printable)' is no interface file; those are called as memory.max")
        }
        if let reason = Self.refusal(file) { throw ToolFailure(.usage, "\(file.printable) is not set: \(reason)") }
        guard asked.contains(where: { !$0.isWhitespace }) else {
            throw ToolFailure(.usage, "\(file.printable) needs a value; the kernel would take an empty line for zero")
        }
        guard !asked.contains("\n") else { throw ToolFailure(.usage, "\(file.printable) takes one line at a time") }
        text = try Self.kernelText(asked, file: file)
    }

    private static func kernelText(_ value: String, file: String) throws -> String {
        if holdsBytes(file) {
            do {
                let count = try ByteCount(parsing: value)
                if let refusal = count.refusal { throw ToolFailure(.usage, "\(file)=\(value.printable): \(refusal)") }
                return count.kernelText
            } catch let error as QuantityError { throw ToolFailure(.usage, "\(file): \(error)".printable) }
        }
        if ["pids.max", "cgroup.max.depth", "cgroup.max.descendants"].contains(file), Limit(value) == nil {
            throw ToolFailure(.usage, "\(file) is 'max' or a number of decimal digits, not '\(value.printable)'")
        }
        if file == "cpu.weight" {
            guard let weight = UInt64(kernelText: value[...]), (1...10_000).contains(weight) else {
                throw ToolFailure(.usage, "cpu.weight is a number from 1 to 10000, not '\(value.printable)'")
            }
        }
        return value
    }

    /// The files of one number of bytes, or `max`.
    static func holdsBytes(_ file: String) -> Bool {
        let memory = ["min", "low", "high", "max", "swap.high", "swap.max", "zswap.max"]
        if memory.contains(where: { file == "memory.\($0)" }) { return true }
        return file.hasPrefix("hugetlb.") && file.hasSuffix(".max")
    }

    /// Why a file's writes are acts rather than values.
    private static func refusal(_ file: String) -> String? {
        switch file {
        case "cgroup.procs", "cgroup.threads": "writing there moves a process, which has no value to read back"
        case "cgroup.kill": "use bulkhead cgroup kill"
        case "cgroup.freeze": "use bulkhead cgroup freeze or thaw, which wait for the processes"
        case "cgroup.type": "a cgroup that was made threaded never becomes a domain again"
        case "memory.reclaim": "writing there takes memory away and leaves nothing to read back"
        case "memory.peak", "memory.swap.peak": "writing there resets the peak for one open file only"
        case _ where file.hasSuffix(".pressure") && file != "cgroup.pressure":
            "writing there arms a trigger that ends with this command"
        default: nil
        }
    }
}
