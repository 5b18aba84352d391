// SPDX-License-Identifier: Apache-2.0

/// A line of `io.max`: what one device may do for a cgroup in a second. Nil when written leaves a limit as it is.
///
/// The four are written in one line, which the kernel applies as one.
public struct IOLimit: DeviceLine, Sendable {
    /// The device.
    public let device: BlockDevice
    /// The device and the values.
    public private(set) var line: KeyedLine
    /// Takes a line; nil when its name is no device's.
    public init?(line: KeyedLine) {
        guard let device = BlockDevice(line.name) else { return nil }
        self.device = device
        self.line = line
    }
    /// The keys of the kernel.
    public static var keys: [String] { ["rbps", "wbps", "riops", "wiops"] }

    /// The limits of a device.
    public init(
        _ device: BlockDevice, readBytes: Limit? = nil, writeBytes: Limit? = nil, readOperations: Limit? = nil,
        writeOperations: Limit? = nil
    ) {
        self.device = device
        line = KeyedLine(device.description)
        self.readBytes = readBytes
        self.writeBytes = writeBytes
        self.readOperations = readOperations
        self.writeOperations = writeOperations
    }

    /// Bytes read in a second. The C name is `rbps`.
    public var readBytes: Limit? {
        get { line["rbps"]?.limit }
        set { line["rbps"] = newValue.map { Figure($0) } }
    }
    /// Bytes written in a second. The C name is `wbps`.
    public var writeBytes: Limit? {
        get { line["wbps"]?.limit }
        set { line["wbps"] = newValue.map { Figure($0) } }
    }
    /// Reads in a second. The C name is `riops`.
    public var readOperations: Limit? {
        get { line["riops"]?.limit }
        set { line["riops"] = newValue.map { Figure($0) } }
    }
    /// Writes in a second. The C name is `wiops`.
    public var writeOperations: Limit? {
        get { line["wiops"]?.limit }
        set { line["wiops"] = newValue.map { Figure($0) } }
    }

    /// Zero is ERANGE, and operations of 2^32-1 and more become no limit (`tg_set_limit` in block/blk-throttle.c).
    public var refusal: String? {
        if line.fields.isEmpty { return "a line without limits changes nothing" }
        for field in line.fields where Self.keys.contains(field.key) {
            guard let limit = field.value.limit else { return "\(field.key) is a number or max, not \(field.value)" }
            if limit == 0 { return "\(field.key) of 0 is no limit to the kernel: at least 1, or max" }
            if field.key.hasSuffix("iops"), let number = limit.value, number >= UInt64(UInt32.max) {
                return "\(field.key) of \(number) is no limit to the kernel: less than \(UInt32.max), or max"
            }
        }
        return nil
    }
}

/// A line of `io.latency`: the latency that one device shall keep for a cgroup.
public struct IOLatency: DeviceLine, Sendable {
    /// The device.
    public let device: BlockDevice
    /// The device and the values.
    public private(set) var line: KeyedLine
    /// Takes a line; nil when its name is no device's.
    public init?(line: KeyedLine) {
        guard let device = BlockDevice(line.name) else { return nil }
        self.device = device
        self.line = line
    }
    /// The keys of the kernel.
    public static var keys: [String] { ["target"] }

    /// A target in microseconds, or none.
    public init(_ device: BlockDevice, target: Limit) {
        self.device = device
        line = KeyedLine(device.description, [("target", Figure(target))])
    }
    /// Microseconds; `.max` is none.
    public var target: Limit? { line["target"]?.limit }

    /// Only a number or max is a target.
    public var refusal: String? { target == nil ? "target is a number of microseconds, or max" : nil }
}
