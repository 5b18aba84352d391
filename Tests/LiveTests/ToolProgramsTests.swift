// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Launching
internal import LinuxKernel
internal import TestSupport
internal import Testing

/// The tool is two programs: `bulkhead`, and `bulkhead-commands` that it becomes for most commands.
@Suite("The tool's two programs")
struct ToolProgramsTests {
    /// The second one, beside the first.
    private static let whole = tool.map { URL(filePath: $0).deletingLastPathComponent().path + "/bulkhead-commands" }

    @Test("The second is found from anywhere: by PATH, a link, a relative path", .needs(toolIsThere))
    func found() throws {
        let scratch = try Scratch()
        try scratch.link("other-name", to: #require(tool))
        let found = try shell(
            """
            cd / && PATH=${B%/*}:$PATH bulkhead help run | head -n 1
            \(scratch.path("other-name")) help run | head -n 1
            cd ${B%/*} && ./bulkhead help run | head -n 1
            """)
        #expect(found.lines.count == 3 && Set(found.lines).count == 1, "\(found.output)")
        #expect(found.lines.first?.contains("Run a command") == true, "\(found.output)")
    }

    @Test(
        "Installed, it is in libexec; where it is missing, run still works and the rest says what is missing",
        .needs(.root), .needs(toolIsThere))
    func installed() throws {
        let scratch = try Scratch()
        let folder = try scratch.folder("bin")
        try FileManager.default.copyItem(atPath: #require(tool), toPath: folder + "/bulkhead")
        let without = try shell("\(folder)/bulkhead run -- true; echo \"code=$?\"; \(folder)/bulkhead doctor")
        #expect(without.value("code") == "0", "\(without.output)")
        #expect(without.exit.status == .exited(1))
        #expect(without.output.contains("\(folder)/bulkhead-commands"), "\(without.output)")
        #expect(without.output.contains("\(scratch.path)/libexec/bulkhead/bulkhead-commands"), "\(without.output)")
        try scratch.folder("libexec/bulkhead")
        try scratch.link("libexec/bulkhead/bulkhead-commands", to: #require(Self.whole))
        #expect(try shell("\(folder)/bulkhead help run").output.contains("Run a command"))
    }

    @Test("Arguments arrive as they are, those that are no text as well", .needs(toolIsThere))
    func arguments() throws {
        let scratch = try Scratch()
        try scratch.folder("bin")
        try FileManager.default.copyItem(atPath: #require(tool), toPath: scratch.path("bin/bulkhead"))
        try scratch.file("bin/bulkhead-commands", "#!/bin/sh\nprintf '%s|' \"$@\" | od -An -c\n")
        let found = try shell(
            "chmod 755 \(scratch.path)/bin/*; \(scratch.path)/bin/bulkhead plan '' 'a b' \"$(printf 'x\\377y')\"")
        #expect(found.output.split(separator: " ").joined() == "plan||ab|x377y|\n", "\(found.output)")
    }

    @Test("Both work without /proc as far as that goes", .needs(.root), .needs(toolIsThere))
    func withoutProc() throws {
        var launch = Launch.script(
            "mount --make-rprivate / && umount -l /proc && $B --version && \(try #require(Self.whole)) --version && $B help"
        )
        launch.namespaces = [.mount]
        launch.environment["B"] = tool
        let found = try finish(launch)
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(found.lines.count > 2 && found.lines[0] == found.lines[1], "\(found.output)")
    }
}
