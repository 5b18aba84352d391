// SPDX-License-Identifier: Apache-2.0

extension Timestamp: Codable {
    /// Reads it as the Kubernetes API writes it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        try self.init(parsing: container.decode(String.self))
    }

    /// Writes it as the Kubernetes API does, with a fraction where there is one.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
