// SPDX-License-Identifier: Apache-2.0

import Cgroups
import LinuxKernel
import NodeModel
import TestSupport
import Testing

@Suite(
    "A tree that somebody else manages", .serialized, .needs(.root), .needs(.memoryController),
    .needs(.controller("cpu")), .needs(.command("setpriv")), .needs(toolIsThere))
struct ApplyRightsTests {
    /// Its records are hidden from an ordinary user, who must not be told that there is nothing.
    @Test("Who may not manage it is told so by each command, and nothing is changed")
    func ordinaryCaller() throws {
        let pods = try TorturedTree(pods: 1)
        defer { pods.removeAll() }
        let before = try TestTree.controllersOfRoot()
        #expect(try pods.tool("apply -f $F").exit.status == .exited(0))
        let there = try pods.content()
        for command in ["release", "delete g1"] {
            let found = try pods.tool(command, as: "setpriv --reuid=65534 --regid=65534 --clear-groups")
            #expect(found.exit.status == .exited(3), "\(command): \(found.output)")
            #expect(found.output.contains("only who manages the tree may change it"), "\(found.output)")
        }
        #expect(try pods.content() == there)
        #expect(try pods.tool("release").exit.status == .exited(0))
        #expect(try TestTree.controllersOfRoot() == before)
    }
}
