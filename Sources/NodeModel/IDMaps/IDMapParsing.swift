// SPDX-License-Identifier: Apache-2.0

extension IDMap {
    /// Reads `INSIDE:OUTSIDE:COUNT` extents, comma separated, for user and group ids alike.
    public init(parsing text: String) throws(IDMapError) {
        try self.init(parsing: [text])
    }

    /// Reads `INSIDE:OUTSIDE:COUNT` extents, comma separated or one a text, for user and group ids alike.
    public init(parsing texts: [String]) throws(IDMapError) {
        try self.init(extents: Self.extents(parsing: texts))
    }

    /// Reads `INSIDE:OUTSIDE:COUNT` extents, comma separated or one a text, separately for user and group ids.
    public init(parsingUID uid: [String], gid: [String]) throws(IDMapError) {
        try self.init(uid: Self.extents(parsing: uid), gid: Self.extents(parsing: gid))
    }

    /// Reads the kernel's own text, as `/proc/PID/uid_map` and `gid_map` show it.
    public init(kernelUID uid: String, gid: String) throws(IDMapError) {
        try self.init(uid: Self.extents(kernelText: uid), gid: Self.extents(kernelText: gid))
    }

    /// The extents in `INSIDE:OUTSIDE:COUNT` texts, in their order and not yet checked against each other.
    public static func extents(parsing texts: [String]) throws(IDMapError) -> [Extent] {
        var extents: [Extent] = []
        for text in texts {
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                extents.append(try Extent(part, fields: part.split(separator: ":", omittingEmptySubsequences: false)))
            }
        }
        return extents
    }

    /// The extents in the kernel's text: a line each, three columns. A namespace without a map has an empty text.
    public static func extents(kernelText text: String) throws(IDMapError) -> [Extent] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        var extents: [Extent] = []
        for line in lines {
            extents.append(try Extent(line, fields: line.split { $0 == " " || $0 == "\t" }))
        }
        return extents
    }
}

extension IDMap.Extent {
    fileprivate init(_ text: Substring, fields: [Substring]) throws(IDMapError) {
        if fields.count != 3 { throw .malformed(String(text)) }
        inside = try number(fields[0], in: text)
        outside = try number(fields[1], in: text)
        count = try number(fields[2], in: text)
    }
}

// The standard library's parser takes a sign, and its answer does not tell "no number" from "too large".
private func number(_ field: Substring, in text: Substring) throws(IDMapError) -> UInt32 {
    if field.isEmpty || !field.utf8.allSatisfy({ (48...57).contains($0) }) {
        throw .notDecimal(String(field), in: String(text))
    }
    guard let value = UInt32(field) else { throw .outOfRange(String(field), in: String(text)) }
    return value
}
