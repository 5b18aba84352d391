// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

@testable import LinuxKernel

@Suite("Changes of a directory") struct DirectoryChangeTests {
    @Test(.timeLimit(.minutes(2)))
    func `A file that is written, moved, touched or removed is told, and the end of the directory is the last`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-changes-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "a")
        let changes = try DirectoryChanges(FilePath(folder.path))
        let hidden = folder.appending(path: ".new")
        let acts: [(DirectoryChanges.Change, () throws -> Void)] = [
            (.unsettled, { try Data("one".utf8).write(to: file) }),
            (.whole, { try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path) }),
            (.unsettled, { try FileManager.default.moveItem(at: file, to: folder.appending(path: "b")) }),
            (.unsettled, { try FileManager.default.removeItem(at: folder.appending(path: "b")) }),
            (.whole, { try Data("two".utf8).write(to: hidden) }),
            (.whole, { try FileManager.default.moveItem(at: hidden, to: folder.appending(path: "c")) }),
        ]
        for (change, act) in acts {
            try act()
            // One act makes several events, which are told together or one after the other.
            try await Task.sleep(for: .milliseconds(20))
            var told = await changes.next()
            // On a busy machine, something of the act before may come only now.
            if told != change { told = await changes.next() }
            #expect(told == change)
        }
        try FileManager.default.removeItem(at: folder)
        var last: DirectoryChanges.Change?
        while let change = await changes.next() { last = change }
        #expect(last == .gone)
    }

    @Test func `A directory that is not there cannot be watched`() {
        #expect(throws: KernelError.self) { try DirectoryChanges("/nowhere/at/all") }
    }
}
