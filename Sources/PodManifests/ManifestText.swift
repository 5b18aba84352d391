// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Yams

/// Writes a part of a manifest so that reading it gives the same again: texts in quotes, numbers and truth values as they
/// stand.
///
/// Another form is another digest of everything: an agent that writes one replaces all pods that its predecessor began.
struct ManifestText {
    /// Aliases can make gigabytes of a kilobyte.
    private static let limit = 2 << 20

    private var text = ""

    /// The text of a Pod or a Job, without its status. An item of a list need not say what it is; its text does.
    static func text(of field: Field, version: String, kind: String) throws(ManifestError) -> String {
        var writer = ManifestText()
        var members = try field.object().members
        members["status"] = nil
        writer.text = "{\"apiVersion\": \"\(version)\", \"kind\": \"\(kind)\""
        for (name, member) in members.sorted(by: { $0.key < $1.key })
        where name != "apiVersion" && name != "kind" && !member.isNull {
            writer.text += ", "
            try writer.write(name, member)
        }
        return writer.text + "}"
    }

    private mutating func write(_ name: String, _ member: Field) throws(ManifestError) {
        write(quoted: name)
        text += ": "
        try write(member)
    }

    private mutating func write(_ field: Field) throws(ManifestError) {
        if text.utf8.count > Self.limit { throw field.error("unfolds to more than \(Self.limit >> 20) MiB") }
        switch field.node {
        case .scalar(let scalar):
            if field.isBare { text += scalar.string } else { write(quoted: scalar.string) }
        case .sequence:
            text += "["
            for (index, item) in try field.items().enumerated() {
                if index > 0 { text += ", " }
                if item.isNull { text += "null" } else { try write(item) }
            }
            text += "]"
        case .mapping:
            text += "{"
            var isFirst = true
            for (name, member) in try field.object().members.sorted(by: { $0.key < $1.key }) where !member.isNull {
                if !isFirst { text += ", " }
                isFirst = false
                try write(name, member)
            }
            text += "}"
        case .alias: throw field.error("is an alias of nothing")
        }
    }

    private mutating func write(quoted string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case " "..."~": text.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                let width = scalar.value > 0xffff ? 8 : 4
                text += width == 8 ? "\\U" : "\\u"
                text += String(repeating: "0", count: width - digits.utf8.count) + digits
            }
        }
        text += "\""
    }
}

/// The 128-bit FNV-1a hash: it tells versions of a manifest apart, and is no defence against who wants two to be the same.
enum ContentHash {
    static func value(_ text: String) -> UInt128 {
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        for byte in text.utf8 {
            hash ^= UInt128(byte)
            hash &*= 0x0000_0000_0100_0000_0000_0000_0000_013b
        }
        return hash
    }

    /// 32 digits.
    static func hex(_ text: String) -> String {
        let digits = String(value(text), radix: 16)
        return String(repeating: "0", count: 32 - digits.utf8.count) + digits
    }
}
