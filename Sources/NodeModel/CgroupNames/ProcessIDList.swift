// SPDX-License-Identifier: Apache-2.0

/// The process ids a `cgroup.procs` file lists, in its order, which is not sorted and may repeat one.
///
/// A zero is a process that the reader's process id namespace has no number for.
public struct ProcessIDList: Sendable, Hashable {
    /// The ids.
    public let ids: [Int32]

    /// Reads the text of the file; empty lines are skipped.
    /// - Throws: ``ProcessIDListError`` naming the first line that is no process id.
    public init(parsing text: some StringProtocol) throws(ProcessIDListError) {
        var ids: [Int32] = []
        for line in text.split(separator: "\n") {
            guard let id = Int32(line), id >= 0 else { throw ProcessIDListError(line: String(line)) }
            ids.append(id)
        }
        self.ids = ids
    }
}

/// A line of `cgroup.procs` that is no process id.
public struct ProcessIDListError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line.
    public let line: String

    /// Names the line.
    public var description: String { "'\(line)' is not a process id" }
}
