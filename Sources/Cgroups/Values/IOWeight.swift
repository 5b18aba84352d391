// SPDX-License-Identifier: Apache-2.0

/// A line of `io.weight` or `io.bfq.weight`: a cgroup's share of a device among its siblings.
public struct IOWeight: Hashable, Sendable, InterfaceValue {
    /// The device; nil for all that have no weight of their own.
    public let device: BlockDevice?
    /// The share; nil gives a device the default again.
    public let weight: UInt64?

    /// The share of every device that has none of its own.
    public init(_ weight: UInt64) {
        device = nil
        self.weight = weight
    }

    /// The share of one device; nil takes it back.
    public init(_ device: BlockDevice, _ weight: UInt64?) {
        self.device = device
        self.weight = weight
    }

    /// Reads one line; a number alone is what the kernel takes for the default too.
    public init?(kernelText text: Substring) {
        let words = text.withoutNewline.split(separator: " ")
        switch words.count {
        case 1:
            guard let weight = UInt64(decimal: words[0]) else { return nil }
            self.init(weight)
        case 2 where words[0] == "default":
            guard let weight = UInt64(decimal: words[1]) else { return nil }
            self.init(weight)
        case 2:
            guard let device = BlockDevice(words[0]) else { return nil }
            let weight = UInt64(decimal: words[1])
            guard weight != nil || words[1] == "default" else { return nil }
            self.init(device, weight)
        default: return nil
        }
    }

    /// `default 100`, `254:0 300` or `254:0 default`.
    public var kernelText: String {
        (device?.description ?? "default") + " " + (weight.map(String.init) ?? "default")
    }
    /// In words.
    public static var form: String { "a weight, \"default WEIGHT\", \"MAJOR:MINOR WEIGHT\" or \"MAJOR:MINOR default\"" }
    /// Outside of the file's range: 10000, and 1000 for BFQ.
    public func refusal(in file: CgroupFile) -> String? { weight.flatMap { file.rangeRefusal(Int64(clamping: $0)) } }
}
