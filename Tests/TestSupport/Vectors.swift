// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// The folder of test vectors: `Tests/Vectors` of the checkout, or what `BULKHEAD_VECTORS` names
/// (a test bundle that runs inside a target kernel has no checkout).
public let vectorsFolder: URL = {
    if let named = ProcessInfo.processInfo.environment["BULKHEAD_VECTORS"] { return URL(filePath: named) }
    return URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Vectors")
}()

/// Decodes one vector file, such as `qos_class.json`.
public func vectors<Table: Decodable>(_ file: String, as type: Table.Type = Table.self) throws -> Table {
    try JSONDecoder().decode(type, from: Data(contentsOf: vectorsFolder.appending(path: file)))
}
