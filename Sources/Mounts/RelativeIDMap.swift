// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// An ID map for a mount, of which some extents are relative: their outside ids are those inside a container, and become
/// host ids by the container's own map.
///
/// Written `@INSIDE:OUTSIDE:COUNT`, extent by extent. `@0:1000:1` shows what belongs to id 0 on disk as the container's
/// id 1000, whatever host ids the container has.
public struct RelativeIDMap: Hashable, Sendable {
    /// The extents for user ids.
    public var uid: [Extent]
    /// The extents for group ids.
    public var gid: [Extent]

    /// Extents for user and group ids.
    public init(uid: [Extent], gid: [Extent]) {
        self.uid = uid
        self.gid = gid
    }

    /// A run of ids, relative or not.
    public struct Extent: Hashable, Sendable, CustomStringConvertible {
        /// The run; of a relative one, the outside ids are those inside the container.
        public var extent: IDMap.Extent
        /// Whether the container's map applies.
        public var isRelative: Bool

        /// A run of ids.
        public init(_ extent: IDMap.Extent, isRelative: Bool) {
            self.extent = extent
            self.isRelative = isRelative
        }

        /// `INSIDE:OUTSIDE:COUNT`, with `@` before a relative one.
        public var description: String { (isRelative ? "@" : "") + extent.description }
    }

    /// Reads `[@]INSIDE:OUTSIDE:COUNT` extents, comma separated or one a text, for user and group ids alike.
    public init(parsing texts: [String]) throws(IDMapError) {
        uid = try Self.extents(parsing: texts)
        gid = uid
    }

    /// Reads `[@]INSIDE:OUTSIDE:COUNT` extents, separately for user and group ids.
    public init(parsingUID uid: [String], gid: [String]) throws(IDMapError) {
        self.uid = try Self.extents(parsing: uid)
        self.gid = try Self.extents(parsing: gid)
    }

    private static func extents(parsing texts: [String]) throws(IDMapError) -> [Extent] {
        var extents: [Extent] = []
        for text in texts {
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let isRelative = part.hasPrefix("@")
                for extent in try IDMap.extents(parsing: [String(isRelative ? part.dropFirst() : part)]) {
                    extents.append(Extent(extent, isRelative: isRelative))
                }
            }
        }
        return extents
    }

    /// Whether any extent is relative.
    public var isRelative: Bool { (uid + gid).contains(where: \.isRelative) }

    /// The map in host ids. Relative extents are split where the container's map is.
    public func resolved(in container: IDMap?) throws(RelativeIDMapError) -> IDMap {
        let uid = try Self.resolved(self.uid, in: container?.uid)
        let gid = try Self.resolved(self.gid, in: container?.gid)
        do { return try IDMap(uid: uid, gid: gid) } catch { throw .invalid(error) }
    }

    private static func resolved(
        _ extents: [Extent], in container: [IDMap.Extent]?
    ) throws(RelativeIDMapError) -> [IDMap.Extent] {
        var result: [IDMap.Extent] = []
        for extent in extents {
            guard extent.isRelative else {
                result.append(extent.extent)
                continue
            }
            guard let container else { throw .noContainer(extent) }
            // What a text asks for may reach past the last id, which a map's own check says.
            let whole: IDMap
            do { whole = try IDMap(uid: [extent.extent], gid: [extent.extent]) } catch { throw .invalid(error) }
            let (mapped, unmapped) = IDMap.composed(whole.uid, container)
            if let missing = unmapped.first {
                throw .notInContainer(extent, id: extent.extent.outside + (missing.first - extent.extent.inside))
            }
            result += mapped
        }
        return result
    }
}

/// Why a relative map is no map in host ids.
public enum RelativeIDMapError: Error, Hashable, Sendable {
    /// A relative extent, and no container to be relative to.
    case noContainer(RelativeIDMap.Extent)
    /// An id that the container does not have.
    case notInContainer(RelativeIDMap.Extent, id: UInt32)
    /// What comes out is no map.
    case invalid(IDMapError)
}

extension RelativeIDMapError: CustomStringConvertible {
    /// What is wrong, with the extent it is wrong in.
    public var description: String {
        switch self {
        case .noContainer(let extent): "ID map extent '\(extent)' is relative, and no container's map is given"
        case .notInContainer(let extent, let id): "ID map extent '\(extent)': the container has no id \(id)"
        case .invalid(let error): "\(error)"
        }
    }
}
