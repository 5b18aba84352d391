// SPDX-License-Identifier: Apache-2.0

internal import CLibcap

extension ProcessCapabilities {
    /// The effective, permitted and inheritable sets in libcap's text form, such as `cap_net_raw=ep cap_kill+i`.
    /// C name: `cap_to_text`.
    public var text: String {
        guard let text = unsafe bk_cap_text(effective.bits, permitted.bits, inheritable.bits) else { return "" }
        defer { unsafe cap_free(text) }
        return unsafe String(cString: text)
    }

    /// Reads libcap's text form. It says nothing of the bounding set, which is then all that the kernel knows, and
    /// nothing of the ambient set, which is then empty. C name: `cap_from_text`.
    public init(parsing text: String) throws(CapabilityError) {
        var (effective, permitted, inheritable): (UInt64, UInt64, UInt64) = (0, 0, 0)
        // A text that a NUL byte cuts off would be read as another.
        guard !text.utf8.contains(0), !text.isEmpty,
            unsafe bk_cap_read_text(text, &effective, &permitted, &inheritable) == 0
        else {
            // libcap does not say which word is wrong; a name that it does not know is.
            for name in Self.names(in: text) { _ = try Capability(parsing: name) }
            throw .malformedText(text)
        }
        self.init(
            effective: CapabilitySet(bits: effective), permitted: CapabilitySet(bits: permitted),
            inheritable: CapabilitySet(bits: inheritable))
    }

    private static func names(in text: String) -> [Substring] {
        text.split(whereSeparator: \.isWhitespace).flatMap { clause in
            clause.prefix { !"=+-".contains($0) }.split(separator: ",")
        }.filter { $0.lowercased() != "all" }
    }

    /// Reads the five lines `CapInh` to `CapAmb` of `/proc/PID/status`; others are passed over.
    public init(status: String) throws(CapabilityError) {
        var masks: [Substring: CapabilitySet] = [:]
        for line in status.split(separator: "\n") where line.hasPrefix("Cap") {
            let fields = line.split(separator: ":", maxSplits: 1)
            if fields.count == 2 {
                masks[fields[0]] = try CapabilitySet(mask: String(fields[1].drop { $0 == "\t" || $0 == " " }))
            }
        }
        func set(_ line: Substring) throws(CapabilityError) -> CapabilitySet {
            guard let set = masks[line] else { throw .missingStatusLine(String(line)) }
            return set
        }
        try self.init(
            effective: set("CapEff"), permitted: set("CapPrm"), inheritable: set("CapInh"), bounding: set("CapBnd"),
            ambient: set("CapAmb"))
    }

    /// The five lines of `/proc/PID/status`, as the kernel writes them.
    public var statusLines: String {
        [
            ("CapInh", inheritable), ("CapPrm", permitted), ("CapEff", effective), ("CapBnd", bounding),
            ("CapAmb", ambient),
        ]
        .map { "\($0):\t\($1.mask)\n" }.joined()
    }
}

extension CapabilitySet {
    /// The mask as the kernel prints it: sixteen hexadecimal digits.
    public var mask: String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Reads a mask: up to sixteen hexadecimal digits, with or without `0x`.
    public init(mask text: String) throws(CapabilityError) {
        let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text[...]
        // UInt64 would take a sign.
        guard digits.utf8.count <= 16, digits.allSatisfy(\.isHexDigit), let bits = UInt64(digits, radix: 16) else {
            throw .malformedMask(text)
        }
        self.init(bits: bits)
    }
}
