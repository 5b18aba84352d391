// SPDX-License-Identifier: Apache-2.0

/// One setting of a control group: a file or, in the files with a line for each device (`dmem.min`), one line of it.
public struct ControlKnob: Sendable, Hashable {
    /// The name of the file, such as `memory.low`.
    public let file: String
    /// The device memory region that the line is for; nil for files that hold one value.
    public let region: String?

    /// A setting.
    public init(_ file: String, region: String? = nil) {
        self.file = file
        self.region = region
    }

    /// `memory.min`
    public static let memoryMin = ControlKnob("memory.min")
    /// `memory.low`
    public static let memoryLow = ControlKnob("memory.low")
    /// `memory.high`
    public static let memoryHigh = ControlKnob("memory.high")
    /// `memory.max`
    public static let memoryMax = ControlKnob("memory.max")

    /// What a planned file is about, and the value without the region.
    static func split(_ file: PlannedFile) -> (knob: ControlKnob, value: String) {
        guard file.name.hasPrefix("dmem."), let space = file.value.lastIndex(of: " ") else {
            return (ControlKnob(file.name), file.value)
        }
        let region = String(file.value[..<space])
        return (ControlKnob(file.name, region: region), String(file.value[file.value.index(after: space)...]))
    }

    /// The settings in the text of a file.
    public static func values(in text: String, of file: String) -> [(knob: ControlKnob, value: String)] {
        text.split(separator: "\n").map { split(PlannedFile(name: file, value: String($0))) }
    }

    /// What is written into the file for a value of this setting.
    public func text(_ value: String) -> String { region.map { "\($0) \(value)" } ?? value }
}

extension ControlKnob: Comparable {
    /// By file, then by region.
    public static func < (one: ControlKnob, other: ControlKnob) -> Bool {
        (one.file, one.region ?? "") < (other.file, other.region ?? "")
    }
}

extension ControlKnob: CustomStringConvertible {
    /// The file, with the region where there is one: `dmem.min[drm/card0/vram0]`.
    public var description: String { region.map { "\(file)[\($0)]" } ?? file }
}

extension ControlKnob {
    /// What a value of the setting does, as far as the order of writes depends on it.
    public enum Kind: Sendable, Hashable {
        /// Claims memory of the parent: a parent has at least the sum of its children.
        case protection
        /// Bounds what is used.
        case ceiling
        /// Neither, such as a weight.
        case free
    }

    /// What kind of setting it is.
    public var kind: Kind {
        switch file {
        case "memory.min", "memory.low", "dmem.min", "dmem.low": .protection
        case "memory.high", "memory.max", "memory.swap.max", "memory.swap.high", "memory.zswap.max", "pids.max",
            "dmem.max":
            .ceiling
        case let name where name.hasPrefix("hugetlb.") && name.hasSuffix(".max"): .ceiling
        default: .free
        }
    }

    /// The limit that a hard protection is held against.
    var limit: ControlKnob? {
        switch file {
        case "memory.min": .memoryMax
        case "dmem.min": ControlKnob("dmem.max", region: region)
        default: nil
        }
    }

    /// The value in a control group that was just made; nil when that is not known here.
    ///
    /// Source: Documentation/admin-guide/cgroup-v2.rst.
    public var initialValue: String? {
        switch kind {
        case .protection: "0"
        case .ceiling: "max"
        case .free:
            switch file {
            case "cpu.weight": "100"
            case "cpu.max": "max 100000"
            case "cpu.max.burst", "cpu.idle", "cpu.weight.nice", "memory.oom.group": "0"
            default: nil
            }
        }
    }

    /// The controller of the file: the word before its first dot; nil for the files of every control group.
    public var controller: String? {
        let word = file.prefix { $0 != "." }
        return word == "cgroup" ? nil : String(word)
    }

    /// The value as the kernel will hold it: bytes are rounded down to whole pages, those of `hugetlb` to huge pages.
    public func kept(_ value: String, pageSize: ByteCount) -> String {
        guard kind != .free, let count = try? ByteCount(parsing: value), count < .max else { return value }
        let unit: UInt64 =
            if file.hasPrefix("memory.") { pageSize.bytes } else { hugePageSize ?? 1 }
        return "\(count.bytes / Swift.max(unit, 1) * Swift.max(unit, 1))"
    }

    /// The page size in the name of a file such as `hugetlb.2MB.max`, where the kernel's MB are 1024 * 1024 bytes.
    private var hugePageSize: UInt64? {
        let parts = file.split(separator: ".")
        guard parts.count > 2, parts[0] == "hugetlb", let number = UInt64(parts[1].dropLast(2)) else { return nil }
        switch parts[1].suffix(2) {
        case "KB": return number << 10
        case "MB": return number << 20
        case "GB": return number << 30
        default: return nil
        }
    }

    /// The number behind a value of a protection or ceiling.
    func amount(_ value: String?) -> ByteCount {
        value.flatMap { try? ByteCount(parsing: $0) } ?? (kind == .protection ? .zero : .max)
    }
}
