// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TestSupport
import Testing

@testable import BulkheadCommands
@testable import BulkheadRun
@testable import ToolOutput

@Suite struct BenchOptionTests {
    private func request(_ arguments: String...) throws -> BenchRequest {
        try BenchRequest(try BenchCommand.parse(arguments))
    }

    @Test func `Without options everything is measured on the temporary folder's file system`() throws {
        let request = try request()
        #expect(request.subjects == [.idmap, .launch, .cgroup])
        #expect(request.files == [1, 100, 1000, 10_000])
        #expect(request.pods == [10, 1000])
        #expect(request.places == [.directory(request.folder)])
        #expect(request.jsonFile == nil)
    }

    @Test func `One subject is measured alone`() throws {
        #expect(try request("cgroup", "--runs", "3").subjects == [.cgroup])
        #expect(try request("cgroup", "--runs", "3").runs == 3)
    }

    @Test func `Lists are separated by commas or repeated`() throws {
        #expect(try request("--files", "1,20", "--files", "300").files == [1, 20, 300])
        #expect(try request("--pods", "10,1000", "--pods", "10000").pods == [10, 1000, 10_000])
        let places = try request("--dir", "/tmp", "--fs", "current,tmpfs", "--fs", "/srv").places.map { place in
            switch place {
            case .directory(let path): "\(path)"
            case .newTmpfs: "a new tmpfs"
            }
        }
        #expect(places == ["/tmp", "a new tmpfs", "/srv"])
    }

    @Test(arguments: [
        ["--files", "0"], ["--files", "1,"], ["--files", "+5"], ["--files", "1e3"], ["--files", "99999999999"],
        ["--files", "-1"], ["--pods", "0"], ["--fs", "ntfs"], ["--runs", "0"], ["--json", "/"],
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

    @Test func `A file system that nobody makes here is not possible, and says what is`() throws {
        let failure = try #require(throws: ToolFailure.self) { try request("--fs", "xfs") }
        #expect(failure.exit == .impossible)
        #expect(failure.message.contains("path"))
    }

    @Test func `A JSON file in a missing folder is refused before anything is measured`() {
        #expect(throws: (any Error).self) { try request("--json", "/nonexistent/bench.json") }
    }

    @Test func `JSON goes to standard output for a dash`() throws {
        #expect(try request("--json", "-").jsonFile == .standardOutput)
    }
}
