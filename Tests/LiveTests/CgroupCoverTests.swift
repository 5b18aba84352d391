// SPDX-License-Identifier: Apache-2.0

import Cgroups
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("Ancestors that cover a protected cgroup", .needs(.root), .needs(.memoryController), .serialized)
struct CgroupCoverTests {
    @Test("They are raised from the top, keep what others claim, and settle, also where one of them is gone")
    func raising() throws {
        let tree = try ToolTree(enabling: [.memory])
        for path in ["g/a", "g/b", "g/rest"] { try tree.make(path, enabling: [.memory]) }
        let top = String(tree.top.dropFirst())
        let mount = try Cgroup.root().path
        let cover = ProtectionCover(groups: [top, top + "/g"], beneath: mount)
        try cover.raise(forChild: "a", min: .mebibytes(8), low: .mebibytes(4))
        try tree.open("g/a").write(.mebibytes(8), to: .memoryMin)
        try cover.raise(forChild: "b", min: .mebibytes(16), low: .zero)
        try tree.open("g/b").write(.mebibytes(16), to: .memoryMin)
        for path in ["", "g"] {
            #expect(try tree.open(path).read(.memoryMin) == .mebibytes(24))
            #expect(try tree.open(path).read(.memoryLow) == .mebibytes(4))
        }
        // The low of the first was never claimed in the end.
        try tree.open("g/a").write(.zero, to: .memoryMin)
        try cover.settle()
        for path in ["", "g"] {
            #expect(try tree.open(path).read(.memoryMin) == .mebibytes(16))
            #expect(try tree.open(path).read(.memoryLow) == .zero)
        }
        try tree.open().removeChild("g")
        try cover.settle()
        #expect(try tree.open().read(.memoryMin) == .zero)
    }

    @Test("A group that has not the controller is an error, and nothing is raised") func failing() throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("g")
        let top = String(tree.top.dropFirst())
        let cover = ProtectionCover(groups: [top, top + "/g"], beneath: try Cgroup.root().path)
        let error = #expect(throws: KernelError.self) {
            try cover.raise(forChild: "a", min: .mebibytes(8), low: .zero)
        }
        #expect(error?.errno == .noSuchFileOrDirectory)
        #expect(try tree.open().read(.memoryMin) == .zero)
    }
}
