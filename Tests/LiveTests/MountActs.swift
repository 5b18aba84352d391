// SPDX-License-Identifier: Apache-2.0

internal import CTestChild
internal import Foundation
internal import LinuxKernel
internal import UserNamespaces

/// One act of a process with given ids.
struct Act {
    var row = bt_row()

    init(_ act: bt_act, _ path: String, on mount: CInt) {
        row.act = Int32(act.rawValue)
        row.mount = mount
        row.other_mount = -1
        row.setPath(path)
    }

    /// Performs acts as an actor; the error of what comes before them, or 0.
    static func perform(
        _ rows: inout [bt_row], as actor: bt_actor, attaching mounts: [CInt] = [], at folder: String? = nil
    ) -> CInt {
        var actor = actor
        return unsafe rows.withUnsafeMutableBufferPointer { rows -> CInt in
            guard let first = rows.baseAddress else { return 0 }
            return unsafe mounts.withUnsafeBufferPointer { mounts -> CInt in
                // Without mounts nobody looks at the place.
                var none: CInt = -1
                return unsafe withUnsafePointer(to: &none) { place in
                    let list = unsafe mounts.baseAddress ?? place
                    guard let folder else { return unsafe bt_act(&actor, list, mounts.count, nil, first, rows.count) }
                    return unsafe bt_act(&actor, list, mounts.count, folder, first, rows.count)
                }
            }
        }
    }

    static func perform(
        _ row: inout bt_row, as actor: bt_actor, attaching mounts: [CInt] = [], at folder: String? = nil
    ) -> CInt {
        var rows = [row]
        let error = perform(&rows, as: actor, attaching: mounts, at: folder)
        row = rows[0]
        return error
    }
}

extension bt_row {
    mutating func setPath(_ text: String) { copy(text, into: &path) }
    mutating func setOtherPath(_ text: String) { copy(text, into: &other_path) }
    mutating func setAttribute(_ text: String) { copy(text, into: &attribute) }
    mutating func setValue(_ bytes: [UInt8]) {
        unsafe withUnsafeMutableBytes(of: &value) { unsafe $0.copyBytes(from: bytes) }
        value_size = Int64(bytes.count)
    }

    /// The value as read.
    var bytes: [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe Array($0.prefix(max(0, Int(value_size)))) }
    }

    private func copy<Field>(_ text: String, into field: inout Field) {
        unsafe withUnsafeMutableBytes(of: &field) { buffer in
            precondition(text.utf8.count < buffer.count)
            unsafe buffer.copyBytes(from: Array(text.utf8) + [0])
        }
    }
}

extension Scratch {
    /// The program that tells its effective ids and capabilities.
    @discardableResult
    func program(_ name: String) throws -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let size = unsafe bytes.withUnsafeMutableBufferPointer { buffer -> Int in
            guard let base = buffer.baseAddress else { return 0 }
            return unsafe bt_program(base, buffer.count)
        }
        try Data(bytes[..<size]).write(to: URL(filePath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path(name))
        return path(name)
    }
}

/// Whether there is a program for this architecture.
let hasTestProgram: Bool = {
    var bytes = [UInt8](repeating: 0, count: 4096)
    return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return false }
        return unsafe bt_program(base, buffer.count) > 0
    }
}()

/// A user namespace in an optional.
final class UserNamespaceHolder: Sendable {
    let namespace: UserNamespace
    var number: CInt { namespace.descriptor.number }
    init(_ namespace: consuming UserNamespace) { self.namespace = namespace }
}
