// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import NodeModel
internal import ToolOutput

/// One FILE=VALUE of `bulkhead cgroup set`, judged before anything is written.
struct CgroupAssignment: Hashable {
    let file: String
    /// As it was given.
    let asked: String
    /// As it is written: bytes where a quantity was given.
    let text: String

    /// Which file it is.
    var known: CgroupFile { CgroupFile(named: file) }
    /// The bytes, where the file holds them.
    var bytes: ByteCount? { known.holdsBytes ? ByteCount(kernelText: text[...]) : nil }

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

    /// What is written; what the kernel would refuse, or read as something else, is refused here.
    private static func kernelText(_ value: String, file: String) throws -> String {
        let known = CgroupFile(named: file)
        var text = value
        if known.holdsBytes {
            do { text = try ByteCount(parsing: value).kernelText } catch {
                throw ToolFailure(.usage, "\(file): \(error)".printable)
            }
        }
        if let reason = known.check(text: text) {
            throw ToolFailure(.usage, "\(file)=\(value)".printable + ": \(reason)")
        }
        return text
    }

    /// Why a file's writes are acts rather than values.
    static func refusal(_ file: String) -> String? {
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
