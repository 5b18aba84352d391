// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import Mounts
import SystemPackage
import Testing

@Suite struct VolumeCostTests {
    private func tree(_ files: Int) throws -> String {
        let path = NSTemporaryDirectory() + "bulkhead-cost-\(UUID().uuidString)"
        for folder in 0..<3 {
            try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
            for file in 0..<files { try Data().write(to: URL(filePath: "\(path)/\(folder)/\(file)")) }
        }
        return path
    }

    @Test func `a small tree is counted`() throws {
        let path = try tree(5)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cost = try VolumeCost(ofShifting: Descriptor.open(FilePath(path), .path))
        #expect(cost.inodes == .exactly(19))
        #expect("\(cost)".hasPrefix("19 inodes, about 1 ms"))
    }

    @Test func `a large one is not counted to the end`() throws {
        let path = try tree(5)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let cost = try VolumeCost(ofShifting: Descriptor.open(FilePath(path), .path), countingUpTo: 3)
        switch cost.inodes {
        case .atMost(let count), .atLeast(let count): #expect(count >= 3)
        default: Issue.record("\(cost.inodes)")
        }
    }

    @Test func `a mount costs the same whatever is in it`() {
        #expect("\(VolumeCost.constant)" == "a few system calls, whatever its size")
    }
}
