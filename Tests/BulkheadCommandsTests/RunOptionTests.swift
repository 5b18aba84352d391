// SPDX-License-Identifier: Apache-2.0

import Launching
import Testing

@testable import BulkheadCommands

@Suite("Options of bulkhead run")
struct RunOptionTests {
    @Test("A volume is SRC:DST with options in any order")
    func volumes() throws {
        #expect(try RunRequest.volume("/a:/b") == HostVolume(source: "/a", target: "/b"))
        #expect(
            try RunRequest.volume("/a:/b:plain:ro")
                == HostVolume(source: "/a", target: "/b", readOnly: true, ownership: .plain))
        #expect(try RunRequest.volume("rel:/b:ro:idmap").readOnly)
    }

    @Test(
        "A volume that says nothing sensible is wrong usage",
        arguments: ["", "/a", "/a:", ":/b", "/a:b", "/a:/", "/a://", "/a:/b:", "/a:/b:rx", "/a:/b:ro:what"])
    func wrongVolumes(text: String) {
        #expect(throws: ToolFailure.self) { try RunRequest.volume(text) }
        do { _ = try RunRequest.volume(text) } catch { #expect((error as? ToolFailure)?.exit == .usage) }
    }
}
