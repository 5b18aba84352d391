// SPDX-License-Identifier: Apache-2.0

/// A line of `/etc/subuid` or `/etc/subgid` (subuid(5)).
public struct SubordinateIDs: Hashable, Sendable {
    /// The user, by name or number.
    public var user: String
    /// The host ids the user may map.
    public var range: ClosedRange<UInt32>

    /// The lines of such a file; lines that are none are passed over, as the shadow tools do.
    public static func parse(_ text: String) -> [SubordinateIDs] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let first = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0,
                count - 1 <= UInt32.max - first
            else { return nil }
            return SubordinateIDs(user: String(fields[0]), range: first...(first + (count - 1)))
        }
    }
}

extension SubordinateIDs {
    /// The one range that the program `getsubids` tells of a user, for user and for group ids alike: what a kubelet gives
    /// its pods. Anything but one line each, the same in both, is refused.
    public static func range(uidOutput: String, gidOutput: String) throws(SubordinateIDError) -> IDRange {
        if uidOutput != gidOutput { throw .usersAndGroupsDiffer }
        let lines = uidOutput.split(separator: "\n")
        guard lines.count == 1 else { throw .notOneRange(lines.count) }
        // As "0: kubelet 65536 2147483648".
        let fields = lines[0].split(separator: " ")
        guard fields.count == 4 else { throw .fieldCount(fields.count, String(lines[0])) }
        var numbers: [UInt32] = []
        for field in fields[2...] {
            guard field.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt32(field) else {
                throw .notANumber(String(field))
            }
            numbers.append(number)
        }
        return IDRange(first: numbers[0], count: numbers[1])
    }

    /// The one range of a user in the lines of `/etc/subuid` and `/etc/subgid`, where lines name users by name or number;
    /// nil where neither file has one.
    public static func range(
        of user: String, uid: UInt32?, users: [SubordinateIDs], groups: [SubordinateIDs]
    ) throws(SubordinateIDError) -> IDRange? {
        func own(_ lines: [SubordinateIDs]) -> [ClosedRange<UInt32>] {
            lines.filter { $0.user == user || (uid.map(String.init) == $0.user) }.map(\.range)
        }
        let ranges = own(users)
        if ranges != own(groups) { throw .usersAndGroupsDiffer }
        if ranges.isEmpty { return nil }
        guard ranges.count == 1 else { throw .notOneRange(ranges.count) }
        guard let count = UInt32(exactly: UInt64(ranges[0].upperBound) - UInt64(ranges[0].lowerBound) + 1) else {
            throw .notANumber("4294967296")
        }
        return IDRange(first: ranges[0].lowerBound, count: count)
    }
}

/// Why a user's subordinate ids are not what pods can be given.
public enum SubordinateIDError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The user ids are others than the group ids.
    case usersAndGroupsDiffer
    /// No range, or several.
    case notOneRange(Int)
    /// A line that is not `NUMBER: USER FIRST COUNT`.
    case fieldCount(Int, String)
    /// A field that is no number of 32 bits.
    case notANumber(String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .usersAndGroupsDiffer: "the subordinate user ids and group ids are not the same"
        case .notOneRange(let count): "\(count) ranges of subordinate ids where there has to be one"
        case .fieldCount(let count, let line): "'\(line)' has \(count) fields where getsubids prints four"
        case .notANumber(let text): "'\(text)' is not a number of 32 bits"
        }
    }
}
