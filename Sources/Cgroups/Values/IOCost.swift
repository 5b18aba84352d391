// SPDX-License-Identifier: Apache-2.0

/// A line of `io.cost.qos`: how one device is kept from being overrun. What is not written stays as it is, and any value
/// but `enable` and `ctrl` makes the device's parameters the user's.
///
/// Source of the keys and their ranges: `ioc_qos_write` in block/blk-iocost.c.
public struct IOCostQuality: DeviceLine, Sendable {
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
    public static var keys: [String] { ["enable", "ctrl", "rpct", "rlat", "wpct", "wlat", "min", "max"] }

    /// Turns the controller on or off for a device, which finds its parameters itself.
    public init(_ device: BlockDevice, enable: Bool) {
        self.device = device
        line = KeyedLine(device.description, [("enable", .number(enable ? 1 : 0))])
    }

    /// A value of the kernel by its key; percentiles and scalings with two decimals, latencies in microseconds.
    public subscript(_ key: String) -> Figure? {
        get { line[key] }
        set { line[key] = newValue }
    }
    /// Whether it is on.
    public var isEnabled: Bool? { line["enable"]?.number.map { $0 != 0 } }
    /// Whether the parameters are the kernel's choice. The C name is `ctrl=auto`.
    public var isAutomatic: Bool? { line["ctrl"].map { $0 == .word("auto") } }

    /// What the kernel refuses.
    public var refusal: String? {
        if let enable = line["enable"], enable != .number(0), enable != .number(1) { return "enable is 0 or 1" }
        if let control = line["ctrl"], control != .word("auto"), control != .word("user") {
            return "ctrl is auto or user"
        }
        for key in ["rpct", "wpct"] {
            guard let value = line[key] else { continue }
            guard let percent = value.hundredths, percent <= Hundredths(10_000) else {
                return "\(key) is a percentile, at most 100.00"
            }
        }
        for key in ["rlat", "wlat"] where line[key] != nil && line[key]?.number == nil {
            return "\(key) is a number of microseconds"
        }
        for key in ["min", "max"] {
            guard let value = line[key] else { continue }
            guard let scale = value.hundredths, scale >= Hundredths(100), scale <= Hundredths(1_000_000) else {
                return "\(key) is a percentage from 1.00 to 10000.00"
            }
        }
        if let low = line["min"]?.hundredths, let high = line["max"]?.hundredths, low > high {
            return "min is above max"
        }
        return line.fields.isEmpty ? "a line without values changes nothing" : nil
    }
}

/// A line of `io.cost.model`: what one device's work costs. What is not written stays as it is.
///
/// Source of the keys: `ioc_cost_model_write` in block/blk-iocost.c.
public struct IOCostModel: DeviceLine, Sendable {
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
    public static var keys: [String] {
        ["ctrl", "model", "rbps", "rseqiops", "rrandiops", "wbps", "wseqiops", "wrandiops"]
    }

    /// Lets the kernel choose the parameters for a device.
    public init(automatic device: BlockDevice) {
        self.device = device
        line = KeyedLine(device.description, [("ctrl", .word("auto"))])
    }

    /// The coefficients of the one model there is, as `fio` measures them: bytes and operations in a second.
    public init(
        _ device: BlockDevice, readBytes: UInt64, sequentialReads: UInt64, randomReads: UInt64, writeBytes: UInt64,
        sequentialWrites: UInt64, randomWrites: UInt64
    ) {
        self.device = device
        line = KeyedLine(
            device.description,
            [
                ("ctrl", .word("user")), ("model", .word("linear")), ("rbps", .number(readBytes)),
                ("rseqiops", .number(sequentialReads)), ("rrandiops", .number(randomReads)),
                ("wbps", .number(writeBytes)), ("wseqiops", .number(sequentialWrites)),
                ("wrandiops", .number(randomWrites)),
            ])
    }

    /// A value of the kernel by its key.
    public subscript(_ key: String) -> Figure? {
        get { line[key] }
        set { line[key] = newValue }
    }

    /// What the kernel refuses.
    public var refusal: String? {
        if let control = line["ctrl"], control != .word("auto"), control != .word("user") {
            return "ctrl is auto or user"
        }
        if let model = line["model"], model != .word("linear") { return "the only model is linear" }
        for key in Self.keys.dropFirst(2) where line[key] != nil && line[key]?.number == nil {
            return "\(key) is a whole number"
        }
        return line.fields.isEmpty ? "a line without values changes nothing" : nil
    }
}
