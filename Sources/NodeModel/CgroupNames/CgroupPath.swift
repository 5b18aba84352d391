// SPDX-License-Identifier: Apache-2.0

/// The place of a control group below the root of the hierarchy, such as `/kubepods/burstable`.
///
/// Every component is a name the kernel can hold and that cannot climb out of the tree, so a path can be opened below a
/// held directory without a further look at it.
public struct CgroupPath: Sendable, Hashable {
    /// The names from the root down; empty for the root itself.
    public let components: [String]

    /// The root of the hierarchy.
    public static let root = CgroupPath(validated: [])

    /// A path of these names, from the root down.
    /// - Throws: ``CgroupPathError`` for a name that cannot be a control group.
    public init(components: [String]) throws(CgroupPathError) {
        for name in components { try Self.validate(name) }
        self.components = components
    }

    /// Reads `/a/b` or `a/b`; `/` is the root.
    /// - Throws: ``CgroupPathError`` for an empty text and for a name that cannot be a control group.
    public init(parsing text: String) throws(CgroupPathError) {
        if text.isEmpty { throw .emptyPath }
        if text == "/" {
            self = .root
            return
        }
        let relative = text.utf8.first == UInt8(ascii: "/") ? Substring(text.utf8.dropFirst()) : text[...]
        // Split by byte: a slash followed by a combining mark is no `Character` "/" but ends a name for the kernel.
        let names = relative.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        try self.init(components: names.map { String(Substring($0)) })
    }

    private init(validated components: [String]) { self.components = components }

    /// Whether this is the root of the hierarchy.
    public var isRoot: Bool { components.isEmpty }

    /// The last name; nil for the root.
    public var name: String? { components.last }

    /// The control group above; nil for the root.
    public var parent: CgroupPath? {
        isRoot ? nil : CgroupPath(validated: Array(components.dropLast()))
    }

    /// The child of this name.
    /// - Throws: ``CgroupPathError`` for a name that cannot be a control group.
    public func appending(_ name: String) throws(CgroupPathError) -> CgroupPath {
        try Self.validate(name)
        return CgroupPath(validated: components + [name])
    }

    /// The place below this one that another path, taken as relative, names.
    public func appending(_ path: CgroupPath) -> CgroupPath {
        CgroupPath(validated: components + path.components)
    }

    /// Whether the other path is this one or lies below it.
    public func contains(_ other: CgroupPath) -> Bool { other.components.starts(with: components) }

    private static func validate(_ name: String) throws(CgroupPathError) {
        let bytes = name.utf8
        if bytes.isEmpty { throw .emptyName }
        if name == "." || name == ".." { throw .relativeName(name) }
        if bytes.count > 255 { throw .nameTooLong(name, bytes: bytes.count) }
        if bytes.contains(UInt8(ascii: "/")) { throw .forbiddenByte(name, what: "a slash") }
        if bytes.contains(UInt8(ascii: "\n")) { throw .forbiddenByte(name, what: "a line break") }
        if bytes.contains(0) { throw .forbiddenByte(name, what: "a zero byte") }
    }
}

extension CgroupPath: CustomStringConvertible {
    /// `/a/b`; the root is `/`.
    public var description: String { "/" + components.joined(separator: "/") }
}

/// Why a text cannot name a control group.
public enum CgroupPathError: Error, Sendable, Hashable {
    /// The text is empty; the root is written `/`.
    case emptyPath
    /// Two slashes meet, or one ends the path.
    case emptyName
    /// `.` and `..` are not names.
    case relativeName(String)
    /// The kernel's names have at most 255 bytes.
    case nameTooLong(String, bytes: Int)
    /// The kernel does not take this byte in a name.
    case forbiddenByte(String, what: String)
}

extension CgroupPathError: CustomStringConvertible {
    /// Names the text and the cause.
    public var description: String {
        switch self {
        case .emptyPath: "an empty text is no control group; the root is '/'"
        case .emptyName: "a control group has an empty name (two slashes in a row, or one at the end)"
        case .relativeName(let name): "'\(name)' is not a name for a control group"
        case .nameTooLong(let name, let bytes):
            "the control group name '\(name.prefix(32))…' has \(bytes) bytes; the kernel takes 255"
        case .forbiddenByte(let name, let what):
            "the control group name '\(Self.printable(name))' holds \(what)"
        }
    }

    private static func printable(_ name: String) -> String {
        String(name.unicodeScalars.map { $0.value < 32 ? "?" : Character($0) })
    }
}
