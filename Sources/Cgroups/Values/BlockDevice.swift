// SPDX-License-Identifier: Apache-2.0

/// A block device by its numbers, as the files of the io controller name it: `254:0`.
public struct BlockDevice: Hashable, Sendable, CustomStringConvertible {
    /// The driver's number.
    public let major: UInt32
    /// The device's among the driver's.
    public let minor: UInt32

    /// The device of these numbers.
    public init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// Reads `MAJOR:MINOR`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = UInt32(decimal: parts[0]), let minor = UInt32(decimal: parts[1]) else {
            return nil
        }
        self.init(major: major, minor: minor)
    }

    /// `MAJOR:MINOR`.
    public var description: String { "\(major):\(minor)" }
}

/// A line of values for one block device.
public protocol DeviceLine: InterfaceValue, Hashable {
    /// The device.
    var device: BlockDevice { get }
    /// The device and the values, those with unknown keys among them.
    var line: KeyedLine { get }
    /// Takes a line; nil when its name is no device's.
    init?(line: KeyedLine)
    /// The keys that the kernel takes.
    static var keys: [String] { get }
}

extension DeviceLine {
    /// Reads one line.
    public init?(kernelText text: Substring) {
        guard let line = KeyedLine(text.withoutNewline) else { return nil }
        self.init(line: line)
    }

    /// The line.
    public var kernelText: String { line.text }
    /// In words.
    public static var form: String { "MAJOR:MINOR and values of \(keys.joined(separator: ", "))" }

    /// A text with a key that the kernel is not known to take is refused; a value read from the kernel keeps such keys.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        guard let value = Self(kernelText: text), !value.line.fields.isEmpty else {
            return "\(file.name) takes \(form)"
        }
        if let unknown = value.line.fields.first(where: { !keys.contains($0.key) }) {
            return "\(file.name) knows no \"\(unknown.key)\", only \(keys.joined(separator: ", "))"
        }
        return value.refusal(in: file)
    }
}
