// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// When, where and by what a report was made.
struct BenchContext: Hashable, Sendable {
    /// In UTC, as ISO 8601 has it.
    var date: String
    /// As it was typed, so that it can be typed again.
    var command: String
    /// The processor's name.
    var processor: String?
    /// What the machine calls itself; an emulated one, so.
    var product: String?
    /// Bytes.
    var memory: UInt64?
    /// Of the tool and of what it is compared with, by name.
    var versions: [String: String]
    /// The average load of a minute, before and after.
    var loadBefore: String?
    var loadAfter: String?

    /// Of this process, now.
    static func current() -> BenchContext {
        #if DEBUG
            let build = "\(toolVersion), debug build"
        #else
            let build = "\(toolVersion), release build"
        #endif
        var versions = ["bulkhead": build]
        if let chown = try? BenchProgram.find("chown", ["--version"]), let line = try? chown.firstLine() {
            versions["chown"] = line
        }
        let words = ["bulkhead"] + CommandLine.arguments.dropFirst()
        let processors = (try? readKernelFile("/proc/cpuinfo")) ?? ""
        let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return BenchContext(
            date: now(), command: words.map(quoted).joined(separator: " "),
            processor: model.map { String($0.drop(while: \.isWhitespace)) },
            product: try? readKernelFile("/sys/class/dmi/id/product_name").trimmingNewline, memory: machineMemory(),
            versions: versions, loadBefore: load())
    }

    /// The average load of the last minute.
    static func load() -> String? {
        (try? readKernelFile("/proc/loadavg"))?.split(separator: " ").first.map(String.init)
    }

    private static func now() -> String {
        var seconds = time(nil)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + "\(value)" }
        return unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }

    /// A word as a shell takes it.
    static func quoted(_ word: String) -> String {
        let isPlain = word.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_=+,./:@%".unicodeScalars.contains($0)
        }
        return isPlain && !word.isEmpty
            ? word
            : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}

extension BenchContext {
    /// In a report's document.
    var members: [JSON.Member] {
        [
            JSON.Member("date", .string(date)), JSON.Member("command", .string(command)),
            JSON.Member(
                "machine",
                [
                    "processor": .optional(processor), "product": .optional(product),
                    "memory": memory.map { .integer($0) } ?? .null,
                ]),
            JSON.Member(
                "versions", .object(versions.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })),
            JSON.Member("load", ["before": .optional(loadBefore), "after": .optional(loadAfter)]),
        ]
    }

    /// What the document says of it; nil for a document that says nothing, as those of older versions.
    init?(_ document: JSON) {
        guard let date = document["date"]?.text, let command = document["command"]?.text else { return nil }
        self.date = date
        self.command = command
        processor = document["machine"]?["processor"]?.text
        product = document["machine"]?["product"]?.text
        memory = document["machine"]?["memory"]?.decimal.flatMap { UInt64(exactly: $0) }
        versions = [:]
        for member in document["versions"]?.members ?? [] { versions[member.name] = member.value.text }
        loadBefore = document["load"]?["before"]?.text
        loadAfter = document["load"]?["after"]?.text
    }

    /// For people.
    var lines: [String] {
        var machine = [processor, product, memory.map { "\(benchBytes($0)) of memory" }].compactMap { $0 }
        if let loadBefore { machine.append("load \(loadBefore)" + (loadAfter.map { " to \($0)" } ?? "")) }
        let software = versions.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return ["\(date)  \(command)", machine.joined(separator: ", "), software.joined(separator: "; ")]
            .filter { !$0.isEmpty }
    }
}
