// SPDX-License-Identifier: Apache-2.0

/// Who creates control groups, which decides how they are named.
public enum CgroupDriver: String, Sendable, Hashable, CaseIterable {
    /// Directories are made in the cgroup file system, each named like the component.
    case cgroupfs
    /// systemd is asked for slices, whose names repeat those of their parents.
    case systemd
}

/// The name of a control group before a driver spells it: `[kubepods, burstable, pod1234-abcd]`.
///
/// A component holds no `/` and no `_`: the systemd driver writes `-` as `_`, and only then can it be read back.
/// Source: Kubernetes, pkg/kubelet/cm/cgroup_manager_linux.go.
public struct CgroupName: Sendable, Hashable {
    /// The names from the root down; empty for the root itself.
    public let components: [String]

    /// The root of the hierarchy.
    public static let root = CgroupName(validated: [])

    /// A name of these components.
    /// - Throws: ``CgroupNameError`` for a component no driver can spell.
    public init(_ components: [String]) throws(CgroupNameError) {
        for component in components { try Self.validate(component) }
        self.components = components
    }

    private init(validated components: [String]) { self.components = components }

    static let kubepods = CgroupName(validated: ["kubepods"])

    /// Reads the cgroupfs spelling: `/custom/kubepods`, with or without the first slash.
    /// - Throws: ``CgroupNameError`` for a component no driver can spell.
    public init(cgroupfs text: String) throws(CgroupNameError) {
        try self.init(text.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) })
    }

    /// Reads the systemd spelling from the last element of a path:
    /// `/kubepods.slice/kubepods-burstable.slice` is `[kubepods, burstable]`.
    /// - Throws: ``CgroupNameError`` when that element is no slice.
    public init(systemd path: String) throws(CgroupNameError) {
        // Bytes, not characters: to the kernel and to systemd a combining mark changes nothing of what is before it.
        guard let unit = path.utf8.split(separator: UInt8(ascii: "/")).last else {
            self = .root
            return
        }
        let ending = ".slice".utf8
        guard unit.suffix(ending.count).elementsEqual(ending) else { throw .notASlice(String(Substring(unit))) }
        let slice = unit.dropLast(ending.count)
        if slice.elementsEqual("-".utf8) {
            self = .root
            return
        }
        let parts = slice.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        try self.init(parts.map { String(Substring($0)).replacing(UInt8(ascii: "_"), by: UInt8(ascii: "-")) })
    }

    /// The control group above; nil for the root.
    public var parent: CgroupName? {
        components.isEmpty ? nil : CgroupName(validated: Array(components.dropLast()))
    }

    /// The child of this name.
    /// - Throws: ``CgroupNameError`` for a component no driver can spell.
    public func appending(_ component: String) throws(CgroupNameError) -> CgroupName {
        try Self.validate(component)
        return CgroupName(validated: components + [component])
    }

    /// Where the driver puts the control group.
    /// - Throws: ``CgroupNameError/unusable(_:)`` when a spelled name is longer than the kernel takes.
    public func path(driver: CgroupDriver) throws(CgroupNameError) -> CgroupPath {
        do {
            switch driver {
            case .cgroupfs: return try CgroupPath(components: components)
            case .systemd: return try CgroupPath(components: slices)
            }
        } catch {
            throw .unusable(error)
        }
    }

    /// The name of the systemd slice: `kubepods-burstable.slice`; `-.slice` for the root.
    public var slice: String { slices.last ?? "-.slice" }

    /// The slices from the top down, each named by all names above it.
    private var slices: [String] {
        var prefix = ""
        return components.map { component in
            prefix += prefix.isEmpty ? "" : "-"
            prefix += component.replacing(UInt8(ascii: "-"), by: UInt8(ascii: "_"))
            return prefix + ".slice"
        }
    }

    private static func validate(_ component: String) throws(CgroupNameError) {
        do { _ = try CgroupPath.root.appending(component) } catch { throw .unusable(error) }
        if component.utf8.contains(UInt8(ascii: "_")) { throw .underscore(component) }
    }
}

extension String {
    /// The same with one ASCII character in the place of another, wherever its byte is.
    fileprivate func replacing(_ byte: UInt8, by other: UInt8) -> String {
        String(decoding: utf8.map { $0 == byte ? other : $0 }, as: UTF8.self)
    }
}

extension CgroupName: CustomStringConvertible {
    /// The cgroupfs spelling.
    public var description: String { "/" + components.joined(separator: "/") }
}

/// Why a text cannot be the name of a control group.
public enum CgroupNameError: Error, Sendable, Hashable {
    /// The systemd driver could not read `_` back.
    case underscore(String)
    /// A systemd path ends in something other than a slice.
    case notASlice(String)
    /// The kernel would not take it.
    case unusable(CgroupPathError)
}

extension CgroupNameError: CustomStringConvertible {
    /// Names the text and the cause.
    public var description: String {
        switch self {
        case .underscore(let name):
            "the control group name '\(name)' holds '_', which the systemd driver uses for '-'"
        case .notASlice(let name): "'\(name)' is not a systemd slice: it does not end in '.slice'"
        case .unusable(let error): "\(error)"
        }
    }
}
