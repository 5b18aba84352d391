// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// What came of a request, as Kubernetes says it (metav1.Status).
struct KubernetesStatus: Codable, Hashable {
    /// More about it.
    struct Details: Codable, Hashable {
        /// One cause.
        struct Cause: Codable, Hashable {
            var reason: String
            var message: String
        }
        var causes: [Cause]
    }
    /// It has none; clients expect the member.
    struct Metadata: Codable, Hashable {}

    var kind = "Status"
    var apiVersion = "v1"
    var metadata = Metadata()
    var status: String
    var message: String?
    var reason: String?
    var details: Details?
    var code: Int?
}

/// A value as JSON. Names are sorted, so that the same value is the same text.
func json(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    // Nothing else in a value of strings and numbers can fail.
    guard let data = try? encoder.encode(value) else { return Array("null".utf8) }
    return Array(data)
}
