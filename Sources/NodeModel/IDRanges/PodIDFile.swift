// SPDX-License-Identifier: Apache-2.0

/// What the kubelet keeps of a pod's user namespace, as JSON in the file `userns` of the pod's directory.
public struct PodIDFile: Hashable, Sendable {
    /// One mapping; the names are the file's.
    public struct Mapping: Hashable, Sendable {
        /// The first id on the host (`hostId`).
        public var hostID: UInt32
        /// The first id in the pod (`containerId`).
        public var containerID: UInt32
        /// How many ids (`length`).
        public var length: UInt32

        /// A mapping.
        public init(hostID: UInt32, containerID: UInt32, length: UInt32) {
            self.hostID = hostID
            self.containerID = containerID
            self.length = length
        }
    }

    /// The mappings of user ids (`uidMappings`).
    public var uidMappings: [Mapping]
    /// The mappings of group ids (`gidMappings`).
    public var gidMappings: [Mapping]

    /// The name of the file in a pod's directory.
    public static let name = "userns"

    /// The mappings of a pod that has a block.
    public init(block: IDRange) {
        uidMappings = [Mapping(hostID: block.first, containerID: 0, length: block.count)]
        gidMappings = uidMappings
    }

    /// Mappings.
    public init(uidMappings: [Mapping], gidMappings: [Mapping]) {
        self.uidMappings = uidMappings
        self.gidMappings = gidMappings
    }

    /// The pod's block. Refuses what the kubelet refuses: anything but one mapping, the same for users and groups, that
    /// starts with root inside. Whether the block is the node's to give is for ``PodIDRanges`` to say.
    public func block() throws(PodIDRangeError) -> IDRange {
        guard uidMappings.count == 1, gidMappings.count == 1 else {
            throw .mappingCount(uid: uidMappings.count, gid: gidMappings.count)
        }
        for mapping in uidMappings + gidMappings where mapping.containerID != 0 {
            throw .noRoot(containerID: mapping.containerID)
        }
        if uidMappings != gidMappings { throw .mappingsDiffer }
        return IDRange(first: uidMappings[0].hostID, count: uidMappings[0].length)
    }
}

extension PodIDFile: CustomStringConvertible {
    /// The JSON, on one line as the kubelet writes it.
    public var description: String {
        func text(_ mappings: [Mapping]) -> String {
            mappings.map { mapping in
                #"{"hostId":\#(mapping.hostID),"containerId":\#(mapping.containerID),"length":\#(mapping.length)}"#
            }.joined(separator: ",")
        }
        return #"{"uidMappings":[\#(text(uidMappings))],"gidMappings":[\#(text(gidMappings))]}"#
    }
}

extension PodIDFile {
    /// Reads the JSON. Members that are not the file's are passed over, as by the kubelet.
    public init(parsing text: String) throws(PodIDRangeError) {
        var reader = PodIDFileReader(Array(text.utf8))
        self.init(uidMappings: [], gidMappings: [])
        var uid: [Mapping] = []
        var gid: [Mapping] = []
        try reader.members { (name, reader) throws(PodIDRangeError) in
            switch name {
            case "uidMappings": uid = try reader.mappings()
            case "gidMappings": gid = try reader.mappings()
            default: try reader.skipValue()
            }
        }
        try reader.end()
        uidMappings = uid
        gidMappings = gid
    }
}

/// As much of JSON as the file has: the libraries go without Foundation.
private struct PodIDFileReader {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private mutating func next() -> UInt8? {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
        return position < bytes.count ? bytes[position] : nil
    }

    private mutating func take(_ character: Character) -> Bool {
        guard next() == character.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Character) throws(PodIDRangeError) {
        guard take(character) else { throw .malformedFile("no '\(character)' at byte \(position)") }
    }

    mutating func end() throws(PodIDRangeError) {
        if next() != nil { throw .malformedFile("something follows at byte \(position)") }
    }

    /// Calls for each member of an object, which `body` reads.
    mutating func members(
        _ body: (String, inout PodIDFileReader) throws(PodIDRangeError) -> Void
    ) throws(PodIDRangeError) {
        try list("{", "}") { (reader) throws(PodIDRangeError) in
            let name = try reader.string()
            try reader.expect(":")
            try body(name, &reader)
        }
    }

    private mutating func list(
        _ open: Character, _ close: Character, _ body: (inout PodIDFileReader) throws(PodIDRangeError) -> Void
    ) throws(PodIDRangeError) {
        try expect(open)
        depth += 1
        if depth > 64 { throw .malformedFile("nested too deep") }
        if !take(close) {
            repeat { try body(&self) } while take(",")
            try expect(close)
        }
        depth -= 1
    }

    mutating func mappings() throws(PodIDRangeError) -> [PodIDFile.Mapping] {
        if try isNull() { return [] }
        var mappings: [PodIDFile.Mapping] = []
        try list("[", "]") { (reader) throws(PodIDRangeError) in
            var mapping = PodIDFile.Mapping(hostID: 0, containerID: 0, length: 0)
            try reader.members { (name, reader) throws(PodIDRangeError) in
                switch name {
                case "hostId": mapping.hostID = try reader.id()
                case "containerId": mapping.containerID = try reader.id()
                case "length": mapping.length = try reader.id()
                default: try reader.skipValue()
                }
            }
            mappings.append(mapping)
        }
        return mappings
    }

    private mutating func isNull() throws(PodIDRangeError) -> Bool {
        guard next() == UInt8(ascii: "n") else { return false }
        return try word() == "null"
    }

    /// A literal or a number.
    private mutating func word() throws(PodIDRangeError) -> String {
        _ = next()
        let start = position
        while position < bytes.count, bytes[position] > 0x20, !Array(#",:[]{}""#.utf8).contains(bytes[position]) {
            position += 1
        }
        if start == position { throw .malformedFile("no value at byte \(start)") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func id() throws(PodIDRangeError) -> UInt32 {
        let text = try word()
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let value = UInt32(text) else {
            throw .malformedFile("'\(text)' is not an id")
        }
        return value
    }

    private mutating func string() throws(PodIDRangeError) -> String {
        try expect("\"")
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            // What is escaped is no name of the file's; it only must not end the string.
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < bytes.count else { throw .malformedFile("a string does not end") }
        defer { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    mutating func skipValue() throws(PodIDRangeError) {
        switch next() {
        case UInt8(ascii: "{"): try members { (_, reader) throws(PodIDRangeError) in try reader.skipValue() }
        case UInt8(ascii: "["): try list("[", "]") { (reader) throws(PodIDRangeError) in try reader.skipValue() }
        case UInt8(ascii: "\""): _ = try string()
        default: _ = try word()
        }
    }
}
