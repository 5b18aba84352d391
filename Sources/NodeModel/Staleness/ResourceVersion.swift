// SPDX-License-Identifier: Apache-2.0

/// The version of an object or a list, as an API server counts them: a decimal number of any length, without a sign or a
/// leading zero, never 0.
///
/// Versions compare only within one resource type. Source: KEP-5504; k8s.io/apimachinery, pkg/util/resourceversion.
public struct ResourceVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The digits.
    public let description: String

    /// Reads a version.
    public init(parsing text: String) throws(ResourceVersionError) {
        guard let first = text.utf8.first, first != UInt8(ascii: "0"),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { throw ResourceVersionError(text: text) }
        description = text
    }

    /// Fewer digits are less; as many compare digit by digit.
    public static func < (left: ResourceVersion, right: ResourceVersion) -> Bool {
        let (shorter, longer) = (left.description.utf8.count, right.description.utf8.count)
        return shorter == longer ? left.description < right.description : shorter < longer
    }

    /// The value of the gauge `informer_store_resource_version`: the last 15 digits, which a double holds exactly, and 0
    /// for a store that has synced nothing. Nil where the text is no number: the gauge then stays as it was.
    public static func gauge(of text: String) -> Int64? { text.isEmpty ? 0 : Int64(text.suffix(15)) }
}

/// A text that is no version.
public struct ResourceVersionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text.
    public let text: String

    /// What a version is, with the text.
    public var description: String {
        "'\(text)' is no resource version: a decimal number above zero, without sign or leading zeros"
    }
}
