// SPDX-License-Identifier: Apache-2.0

/// What an interface file of a cgroup holds, to and from the kernel's text.
public protocol InterfaceValue: Sendable {
    /// Reads the whole file, with its newline; nil when it is not of this form.
    init?(kernelText text: Substring)
    /// What is written.
    var kernelText: String { get }
    /// Why this value must not be written although the kernel would take it; nil for most.
    var refusal: String? { get }
}

extension InterfaceValue {
    /// The kernel itself refuses what is wrong.
    public var refusal: String? { nil }
}

/// What a file holds that is only read.
public protocol StatusValue: Sendable {
    /// Reads the whole file, with its newline; nil when it is not of this form.
    init?(kernelText text: Substring)
    /// Whether the kernel gives the file in more than one piece, so that only an empty read is its end.
    static var comesInPieces: Bool { get }
}

extension StatusValue {
    /// Most files are shown by one function of the kernel, whole.
    public static var comesInPieces: Bool { false }
}

/// Which file: its name, the controller that brings it and the kernel that has it first.
public struct CgroupFile: Hashable, Sendable, CustomStringConvertible {
    /// The name in every cgroup's directory.
    public let name: String
    /// The controller that must be enabled in the parent; nil for the files that every cgroup has.
    public let controller: Controller?
    /// The first Linux with it, as in `5.14`; nil when it is not known here.
    public let since: String?

    init(_ name: String, _ controller: Controller?, since: String) {
        self.name = name
        self.controller = controller
        self.since = since
    }

    /// A file by its name alone, for what has no constant. Its controller is the word before the first dot.
    public init(named name: String) {
        self.name = name
        controller = Controller.known.first { name.hasPrefix($0.rawValue + ".") }
        since = nil
    }

    /// The name.
    public var description: String { name }
}

/// An interface file that is read and written: `try pod.write(.mebibytes(256), to: .memoryMin)`.
public struct InterfaceFile<Value: InterfaceValue>: Hashable, Sendable {
    /// Which file.
    public let file: CgroupFile

    init(_ name: String, _ controller: Controller?, since: String) {
        file = CgroupFile(name, controller, since: since)
    }
}

/// An interface file that is only read, or whose writes mean something else than its content:
/// `try pod.read(.memoryEvents)`.
public struct StatusFile<Value: StatusValue>: Hashable, Sendable {
    /// Which file.
    public let file: CgroupFile

    init(_ name: String, _ controller: Controller?, since: String) {
        file = CgroupFile(name, controller, since: since)
    }
}

extension Limit: InterfaceValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) { self.init(text) }
    /// `max`, or decimal digits.
    public var kernelText: String { description }
}

extension UInt64: InterfaceValue, StatusValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        guard let number = UInt64(decimal: text.withoutNewline) else { return nil }
        self = number
    }
    /// Decimal digits.
    public var kernelText: String { String(self) }
}

extension Bool: InterfaceValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        switch text.withoutNewline {
        case "0": self = false
        case "1": self = true
        default: return nil
        }
    }
    /// `0` or `1`.
    public var kernelText: String { self ? "1" : "0" }
}

/// An element of a file that is a list of words or lines.
public protocol InterfaceListElement: Sendable {
    /// Reads one word.
    init?(kernelWord word: Substring)
    /// Whether a list of these comes in pieces.
    static var listComesInPieces: Bool { get }
}

extension Int32: InterfaceListElement {
    /// Reads one word.
    public init?(kernelWord word: Substring) {
        guard let number = Int32(decimal: word) else { return nil }
        self = number
    }
    /// The kernel fills one page for each read and ends it between two lines, however large the reader's buffer is: of
    /// 1200 processes the first read gives 4095 bytes.
    public static var listComesInPieces: Bool { true }
}

extension Controller: InterfaceListElement {
    /// Reads one word.
    public init?(kernelWord word: Substring) { self.init(rawValue: String(word)) }
    /// One line.
    public static var listComesInPieces: Bool { false }
}

extension Array: StatusValue where Element: InterfaceListElement {
    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        self = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            guard let element = Element(kernelWord: word) else { return nil }
            append(element)
        }
    }

    /// As its elements say.
    public static var comesInPieces: Bool { Element.listComesInPieces }
}

extension Substring {
    var withoutNewline: Substring { last == "\n" ? dropLast() : self }
}
