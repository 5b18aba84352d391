// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// A line of `rdma.max`: what a cgroup may use of one device. Nil when written leaves a limit as it is.
public struct RDMALimit: Hashable, Sendable, InterfaceValue {
    /// The device and the values, those with unknown keys among them.
    public private(set) var line: KeyedLine

    /// The limits of a device, such as `mlx4_0`.
    public init(_ device: String, handles: Limit? = nil, objects: Limit? = nil) {
        line = KeyedLine(device)
        line["hca_handle"] = handles.map { Figure($0) }
        line["hca_object"] = objects.map { Figure($0) }
    }

    /// The device.
    public var device: String { line.name }
    /// Handles. The C name is `hca_handle`.
    public var handles: Limit? { line["hca_handle"]?.limit }
    /// Objects. The C name is `hca_object`.
    public var objects: Limit? { line["hca_object"]?.limit }

    /// Reads one line.
    public init?(kernelText text: Substring) {
        guard let line = KeyedLine(text.withoutNewline), !line.name.isEmpty else { return nil }
        self.line = line
    }
    /// The line.
    public var kernelText: String { line.text }
    /// In words.
    public static var form: String { "a device and values of hca_handle, hca_object" }

    /// The kernel keeps the limits as 32-bit numbers with a sign (`rdmacg_resource_set_max`).
    public var refusal: String? {
        if line.fields.isEmpty { return "a line without limits changes nothing" }
        for field in line.fields {
            guard let limit = field.value.limit else { return "\(field.key) is a number or max, not \(field.value)" }
            if let number = limit.value, number > UInt64(Int32.max) { return "\(field.key) is at most \(Int32.max)" }
        }
        return nil
    }

    /// A text with a key that the kernel is not known to take is refused.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        guard let value = Self(kernelText: text) else { return "\(file.name) takes \(form)" }
        if let key = value.line.fields.map(\.key).first(where: { $0 != "hca_handle" && $0 != "hca_object" }) {
            return "\(file.name) knows no \"\(key)\", only hca_handle, hca_object"
        }
        return value.refusal
    }
}

/// A line of `misc.max`: how much of a scalar resource a cgroup may use.
public struct MiscLimit: Hashable, Sendable, InterfaceValue {
    /// The resource, such as `sev`.
    public let resource: String
    /// How much.
    public let limit: Limit

    /// So much of a resource.
    public init(_ resource: String, _ limit: Limit) {
        self.resource = resource
        self.limit = limit
    }
    /// Reads one line.
    public init?(kernelText text: Substring) {
        guard let (resource, word) = nameAndValue(text), let limit = Limit(word), !word.hasSuffix("\n") else {
            return nil
        }
        self.init(resource, limit)
    }
    /// `sev 10`.
    public var kernelText: String { "\(resource) \(limit)" }
    /// In words.
    public static var form: String { "a resource and a number, or max" }
}

/// A line of `dmem.min`, `dmem.low`, `dmem.max`, `dmem.current` or `dmem.capacity`: bytes of a region of device memory.
public struct DeviceMemory: Hashable, Sendable, InterfaceValue {
    /// The region, such as `drm/0000:03:00.0/vram0`.
    public let region: String
    /// Bytes.
    public let bytes: ByteCount

    /// So many bytes of a region.
    public init(_ region: String, _ bytes: ByteCount) {
        self.region = region
        self.bytes = bytes
    }
    /// Reads one line; the number follows the last blank.
    public init?(kernelText text: Substring) {
        guard let (region, word) = nameAndValue(text), let bytes = ByteCount(kernelText: word) else { return nil }
        self.init(region, bytes)
    }
    /// `drm/0000:03:00.0/vram0 1073741824`.
    public var kernelText: String { "\(region) \(bytes.kernelText)" }
    /// In words.
    public static var form: String { "a region and bytes in decimal digits, or max" }
}

extension KernelLines where Line == DeviceMemory {
    /// The bytes of a region; nil when the kernel has no such region.
    public subscript(_ region: String) -> ByteCount? { lines.first { $0.region == region }?.bytes }
}

/// A line's parts before and behind its last blank.
private func nameAndValue(_ text: Substring) -> (String, Substring)? {
    let line = text.withoutNewline
    guard let blank = line.lastIndex(of: " "), blank > line.startIndex else { return nil }
    return (String(line[..<blank]), line[line.index(after: blank)...])
}
