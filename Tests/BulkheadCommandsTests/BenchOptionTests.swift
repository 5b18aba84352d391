// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SystemPackage
import TestSupport
import Testing

@testable import BulkheadCommands
@testable import BulkheadRun
@testable import ToolOutput

@Suite struct BenchOptionTests {
    private func request(_ arguments: String...) throws -> BenchRequest {
        try BenchRequest(try BenchCommand.parse(arguments))
    }

    @Test func `Without options everything is measured, on new file systems of each kind and an overlay`() throws {
        let request = try request()
        #expect(request.subjects == [.idmap, .launch, .cgroup])
        #expect(request.files == [1, 100, 10_000, 100_000])
        #expect(request.pods == [10, 1000])
        #expect(request.places == [.new("ext4"), .new("xfs"), .new("btrfs"), .new("tmpfs"), .overlay])
        #expect(request.jsonFile == nil)
    }

    @Test func `One subject is measured alone`() throws {
        #expect(try request("cgroup", "--runs", "3").subjects == [.cgroup])
        #expect(try request("cgroup", "--runs", "3").runs == 3)
    }

    @Test func `Lists are separated by commas or repeated`() throws {
        #expect(try request("--files", "1,20", "--files", "300").files == [1, 20, 300])
        #expect(try request("--pods", "10,1000", "--pods", "10000").pods == [10, 1000, 10_000])
        let places = try request("--dir", "/tmp", "--fs", "current,tmpfs", "--fs", "/srv,overlay").places
        #expect(places == [.directory("/tmp"), .new("tmpfs"), .directory("/srv"), .overlay])
    }

    @Test func `The full series goes up to a million files`() throws {
        #expect(try request("--full").files == [1, 100, 10_000, 100_000, 1_000_000])
    }

    @Test(arguments: [["--full", "--files", "1"], ["--json", "-", "--svg", "-"], ["--seconds", "100001"]])
    func `What contradicts itself is wrong usage`(arguments: [String]) throws {
        let failure = try #require(throws: ToolFailure.self) {
            try BenchRequest(try BenchCommand.parse(arguments))
        }
        #expect(failure.exit == .usage)
    }

    @Test(arguments: [
        ["--files", "0"], ["--files", "1,"], ["--files", "+5"], ["--files", "1e3"], ["--files", "99999999999"],
        ["--files", "-1"], ["--pods", "0"], ["--fs", "ntfs"], ["--runs", "0"], ["--json", "/"],
        ["--svg", "."], ["--html", ".."],
    ])
    func `What is no number, file system or file is wrong usage`(arguments: [String]) throws {
        do {
            _ = try BenchRequest(try BenchCommand.parse(arguments))
            Issue.record("\(arguments) was taken")
        } catch let failure as ToolFailure {
            #expect(failure.exit == .usage)
        } catch {
            // The parser's own refusal, as of '-1', ends with the same exit code.
            #expect(BenchCommand.exitCode(for: error) == .validationFailure)
        }
    }

    @Test func `A JSON file in a missing folder is refused before anything is measured`() {
        #expect(throws: (any Error).self) { try request("--json", "/nonexistent/bench.json") }
    }

    @Test func `JSON goes to standard output for a dash`() throws {
        #expect(try request("--json", "-").jsonFile == .standardOutput)
    }
}
