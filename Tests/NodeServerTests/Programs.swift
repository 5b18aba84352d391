// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Runs a program of `PATH` to its end: its exit code, and what it said on both streams.
@discardableResult
func run(
    _ name: String, _ arguments: [String], input: String? = nil
) async throws -> (status: Int32, output: String) {
    let program = Process()
    program.executableURL = URL(filePath: "/usr/bin/env")
    program.arguments = [name] + arguments
    let folder = try Folder()
    let said = try folder.write("output", "")
    let output = try #require(FileHandle(forWritingAtPath: said))
    program.standardOutput = output
    program.standardError = output
    program.standardInput = FileHandle(forReadingAtPath: try folder.write("input", input ?? ""))
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        program.terminationHandler = { _ in continuation.resume() }
        do { try program.run() } catch { continuation.resume(throwing: error) }
    }
    return (program.terminationStatus, try String(contentsOfFile: said, encoding: .utf8))
}
