// SPDX-License-Identifier: Apache-2.0

/// Where an agent keeps its records: a folder on disk, or a test's.
package protocol RecordFiles: Sendable {
    /// The names of all records.
    func names() throws(StateError) -> [String]
    /// What a record holds.
    func read(_ name: String) throws(StateError) -> [UInt8]
    /// Writes a record, whole or not at all; it is on the disk when this returns.
    func write(_ name: String, _ bytes: [UInt8]) throws(StateError)
    /// Removes a record. That there is none is no failure.
    func remove(_ name: String) throws(StateError)
    /// Puts a record that nobody can read out of the way, so that it is there for whoever wants to know.
    func setAside(_ name: String) throws(StateError)
}

/// Why a record could not be kept, or the folder not be used.
public struct StateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What, and the cause.
    public let description: String

    /// A failure.
    public init(_ description: String) { self.description = description }
}
