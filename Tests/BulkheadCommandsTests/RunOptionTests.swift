// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Launching
import Testing

@testable import BulkheadCommands
@testable import BulkheadRun
@testable import ToolOutput

@Suite("Options of bulkhead run")
struct RunOptionTests {
    @Test("A volume is SRC:DST with options in any order")
    func volumes() throws {
        #expect(try RunRequest.volume("/a:/b", isRoot: true).mount == HostVolume(source: "/a", target: "/b"))
        #expect(
            try RunRequest.volume("/a:/b:plain:ro", isRoot: true).mount
                == HostVolume(source: "/a", target: "/b", readOnly: true, ownership: .plain))
        #expect(try RunRequest.volume("rel:/b:ro:idmap", isRoot: true).mount.readOnly)
        for owners in VolumeOwners.allCases {
            let volume = try RunRequest.volume("/a:/b:\(owners.rawValue)", isRoot: true)
            #expect(volume.owners == owners && (volume.mount.ownership == .idmapped) == (owners == .idmap))
            #expect(try RunRequest.volume("/a:/b", unsaid: owners, isRoot: true).owners == owners)
        }
    }

    @Test("An ordinary user's volume is plain, and an ID map for it is refused")
    func volumesOfAnOrdinaryUser() throws {
        #expect(try RunRequest.volume("/a:/b", isRoot: false).mount.ownership == .plain)
        do {
            _ = try RunRequest.volume("/a:/b:idmap", isRoot: false)
            Issue.record("an ID map was promised")
        } catch { #expect((error as? ToolFailure)?.exit == .impossible) }
    }

    @Test(
        "A volume that says nothing sensible is wrong usage",
        arguments: ["", "/a", "/a:", ":/b", "/a:b", "/a:/", "/a://", "/a:/b:", "/a:/b:rx", "/a:/b:ro:what"])
    func wrongVolumes(text: String) {
        #expect(throws: ToolFailure.self) { try RunRequest.volume(text, isRoot: true) }
        do { _ = try RunRequest.volume(text, isRoot: true) } catch {
            #expect((error as? ToolFailure)?.exit == .usage)
        }
    }

    @Test("An unknown option is no command", arguments: [["--bogus"], ["--bogus", "--", "id"], ["-x", "id"]])
    func unknownOption(words: [String]) {
        #expect(throws: (any Error).self) { try RunCommand.parse(words) }
    }

    @Test("Options behind the command are the command's")
    func optionsOfTheCommand() throws {
        #expect(try RunCommand.parse(["--hostname", "h", "ls", "--help"]).command == ["ls", "--help"])
        #expect(try RunCommand.parse(["--", "-strange"]).command == ["--", "-strange"])
    }
}
