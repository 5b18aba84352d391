// SPDX-License-Identifier: Apache-2.0

// A status on disk: what the Kubernetes API has is written as there.

extension JobCondition: Codable {
    private enum Key: String, CodingKey {
        case type, status, reason, message, lastTransitionTime
    }

    /// Reads it as the Kubernetes API writes it.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        self.init(
            try fields.decode(Kind.self, forKey: .type),
            status: try fields.decode(String.self, forKey: .status) == "True",
            reason: try fields.decodeIfPresent(String.self, forKey: .reason) ?? "",
            message: try fields.decodeIfPresent(String.self, forKey: .message) ?? "",
            since: try fields.decode(Timestamp.self, forKey: .lastTransitionTime))
    }

    /// Writes it as the Kubernetes API does.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(type, forKey: .type)
        try fields.encode(status ? "True" : "False", forKey: .status)
        try fields.encode(reason, forKey: .reason)
        try fields.encode(message, forKey: .message)
        try fields.encode(lastTransitionTime, forKey: .lastTransitionTime)
    }
}

extension CompletionIndexes: Codable {
    /// Reads `1,3-5,7`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let indexes = CompletionIndexes(parsing: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' are no indexes")
        }
        self = indexes
    }

    /// Writes `1,3-5,7`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
