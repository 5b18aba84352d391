// SPDX-License-Identifier: Apache-2.0

/// A set of capabilities: the kernel's 64-bit mask.
///
/// Unknown bits are kept, and no set is made from "all" but where the last capability is named.
public struct CapabilitySet: SetAlgebra, Hashable, Sendable {
    /// The mask; bit n is the capability of number n.
    public var bits: UInt64

    /// The set of a mask.
    public init(bits: UInt64) { self.bits = bits }
    /// The empty set.
    public init() { bits = 0 }

    /// Every capability up to and with `last`.
    public static func all(upTo last: Capability) -> CapabilitySet {
        CapabilitySet(bits: .max >> UInt64(63 - last.rawValue))
    }

    /// Every capability that the running kernel knows.
    public static var supported: CapabilitySet { .all(upTo: .last) }
}

extension CapabilitySet {
    /// Whether the capability is in the set.
    public func contains(_ member: Capability) -> Bool { bits & member.bit != 0 }

    /// What is in one of the two.
    public func union(_ other: CapabilitySet) -> CapabilitySet { CapabilitySet(bits: bits | other.bits) }
    /// What is in both.
    public func intersection(_ other: CapabilitySet) -> CapabilitySet { CapabilitySet(bits: bits & other.bits) }
    /// What is in exactly one of the two.
    public func symmetricDifference(_ other: CapabilitySet) -> CapabilitySet { CapabilitySet(bits: bits ^ other.bits) }

    /// Adds what is in `other`.
    public mutating func formUnion(_ other: CapabilitySet) { bits |= other.bits }
    /// Keeps only what is in `other` too.
    public mutating func formIntersection(_ other: CapabilitySet) { bits &= other.bits }
    /// Keeps what is in exactly one of the two.
    public mutating func formSymmetricDifference(_ other: CapabilitySet) { bits ^= other.bits }

    /// Adds a capability.
    @discardableResult
    public mutating func insert(_ member: Capability) -> (inserted: Bool, memberAfterInsert: Capability) {
        defer { bits |= member.bit }
        return (!contains(member), member)
    }

    /// Adds a capability; answers it where it was there before.
    @discardableResult
    public mutating func update(with member: Capability) -> Capability? {
        insert(member).inserted ? nil : member
    }

    /// Removes a capability; answers it where it was there.
    @discardableResult
    public mutating func remove(_ member: Capability) -> Capability? {
        defer { bits &= ~member.bit }
        return contains(member) ? member : nil
    }
}

extension CapabilitySet: Sequence {
    /// The capabilities in the order of the kernel's numbers.
    public func makeIterator() -> some IteratorProtocol<Capability> {
        (UInt8(0)..<64).lazy.compactMap(Capability.init(rawValue:)).filter(contains).makeIterator()
    }
}

extension CapabilitySet: CustomStringConvertible {
    /// Names in the order of the kernel's numbers, comma separated; the empty set is an empty text.
    public var description: String { map(\.description).joined(separator: ",") }

    /// Reads names, comma separated, each as ``Capability/init(parsing:)`` does. `all` stands for ``supported``.
    public init(parsing text: String) throws(CapabilityError) {
        try self.init(parsing: text.split(separator: ","))
    }

    /// Reads names, each as ``Capability/init(parsing:)`` does. `all` stands for ``supported``.
    public init(parsing names: [some StringProtocol]) throws(CapabilityError) {
        bits = 0
        for name in names {
            let set = name.lowercased() == "all" ? Self.supported : [try Capability(parsing: name)]
            formUnion(set)
        }
    }
}

extension Capability {
    fileprivate var bit: UInt64 { 1 << UInt64(rawValue) }
}
