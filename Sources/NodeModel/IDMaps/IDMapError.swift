// SPDX-License-Identifier: Apache-2.0

/// Why a list of extents, or a text, is not an ``IDMap``.
public enum IDMapError: Error, Hashable, Sendable {
    /// The side of an extent that is at fault.
    public enum Side: String, Hashable, Sendable {
        /// The ids as seen inside the namespace.
        case inside
        /// The ids as seen outside.
        case outside
    }

    /// No extent at all. The kernel refuses an empty write, and a namespace without a map can do nothing.
    case empty
    /// Not three fields.
    case malformed(String)
    /// A field that is not a decimal number.
    case notDecimal(String, in: String)
    /// A number over 4294967295. The kernel takes 4294967296 for 0: the host's root would be mapped.
    case outOfRange(String, in: String)
    /// 4294967295 as an id: the kernel's "no id".
    case invalidID(IDMap.Extent, Side)
    /// An extent of no ids.
    case zeroLength(IDMap.Extent)
    /// An extent that reaches id 4294967295 or beyond.
    case wrapsAround(IDMap.Extent, Side)
    /// Two extents that share ids on one side.
    case overlap(IDMap.Extent, IDMap.Extent, Side)
    /// An extent with ids outside that the parent user namespace does not have: the kernel answers EPERM.
    case notInParent(IDMap.Extent, IDRange)
    /// More extents than the kernel takes, even with neighbours merged.
    case tooManyExtents(Int)
    /// More bytes than one write to `uid_map` may have.
    case tooLong(bytes: Int, extents: Int)
}

extension IDMap {
    /// The most extents a map can have. C name: `UID_GID_MAP_MAX_EXTENTS`. Since Linux 4.15.
    public static let maximumExtents = 340
    /// The most bytes a map's text can have: the kernel takes one write of less than a page, and the smallest page
    /// has 4,096 bytes. With ids of ten digits this, and not the number of extents, is the limit: 124 extents.
    public static let maximumTextBytes = 4095
}

extension IDMapError: CustomStringConvertible {
    /// What is wrong, with the value it is wrong in.
    public var description: String {
        switch self {
        case .empty:
            "an ID map needs at least one extent"
        case .malformed(let text):
            "ID map extent '\(text)': expected three numbers, INSIDE:OUTSIDE:COUNT"
        case .notDecimal(let field, let text):
            "ID map extent '\(text)': '\(field)' is not a decimal number"
        case .outOfRange(let field, let text):
            "ID map extent '\(text)': \(field) is over 4294967295 (the kernel would take it modulo 4294967296)"
        case .invalidID(let extent, let side):
            "ID map extent \(extent): 4294967295 \(side.rawValue) is the kernel's invalid id"
        case .zeroLength(let extent):
            "ID map extent \(extent): its count is zero"
        case .wrapsAround(let extent, let side):
            "ID map extent \(extent): reaches past the last id 4294967294 \(side.rawValue)"
        case .overlap(let first, let second, let side):
            "ID map extents \(first) and \(second) overlap \(side.rawValue)"
        case .notInParent(let extent, let missing):
            "ID map extent \(extent): the ids \(missing) are not in the parent user namespace"
        case .tooManyExtents(let count):
            "ID map of \(count) extents: the kernel takes at most \(IDMap.maximumExtents)"
        case .tooLong(let bytes, let extents):
            "ID map of \(extents) extents is \(bytes) bytes of text: the kernel takes at most "
                + "\(IDMap.maximumTextBytes) in its one write"
        }
    }
}

/// The checked, sorted and merged form of `extents`.
///
/// Merging comes before counting: 400 extents that continue each other are one, and the kernel counts lines.
func canonical(_ extents: [IDMap.Extent]) throws(IDMapError) -> [IDMap.Extent] {
    if extents.isEmpty { throw .empty }
    for extent in extents { try extent.check() }
    let byInside = extents.sorted { $0.inside < $1.inside }
    try refuseOverlap(byInside, .inside, \.inside)
    try refuseOverlap(extents.sorted { $0.outside < $1.outside }, .outside, \.outside)

    var merged: [IDMap.Extent] = []
    for extent in byInside {
        if let last = merged.last, last.inside + last.count == extent.inside,
            last.outside + last.count == extent.outside
        {
            merged[merged.count - 1].count += extent.count
        } else {
            merged.append(extent)
        }
    }
    try checkSize(merged)
    return merged
}

/// Refuses what does not go into the kernel's one write.
func checkSize(_ extents: [IDMap.Extent]) throws(IDMapError) {
    if extents.count > IDMap.maximumExtents { throw .tooManyExtents(extents.count) }
    let bytes = kernelText(extents).utf8.count
    if bytes > IDMap.maximumTextBytes { throw .tooLong(bytes: bytes, extents: extents.count) }
}

extension IDMap.Extent {
    fileprivate func check() throws(IDMapError) {
        if count == 0 { throw .zeroLength(self) }
        for (first, side) in [(inside, IDMapError.Side.inside), (outside, .outside)] {
            if first == .max { throw .invalidID(self, side) }
            // The end must itself be representable: ids stop at 4294967294.
            if first.addingReportingOverflow(count).overflow { throw .wrapsAround(self, side) }
        }
    }
}

private func refuseOverlap(
    _ sorted: [IDMap.Extent], _ side: IDMapError.Side, _ start: KeyPath<IDMap.Extent, UInt32>
) throws(IDMapError) {
    for (first, second) in zip(sorted, sorted.dropFirst())
    where first[keyPath: start] + first.count > second[keyPath: start] {
        throw .overlap(first, second, side)
    }
}
