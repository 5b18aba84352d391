// SPDX-License-Identifier: Apache-2.0

import LinuxKernel
import SystemPackage
import Testing

@testable import Launching

@Suite("Launches as plans")
struct LaunchPlanTests {
    @Test("A name is looked for in each folder of PATH, in order, an empty one being the working directory")
    func candidates() {
        var launch = Launch("tool")
        launch.environment = ["PATH": "/a:/b::"]
        #expect(launch.candidates == ["/a/tool", "/b/tool", "./tool", "./tool"])
        launch.environment = [:]
        #expect(launch.candidates.first == "/usr/local/sbin/tool")
    }

    @Test("A command with a slash is taken as it is", arguments: ["/bin/sh", "./run", "bin/run"])
    func paths(command: String) {
        #expect(Launch(command).candidates == [command])
    }

    @Test("A plan compares by what it says")
    func comparison() {
        var one = Launch("id", arguments: ["-u"])
        #expect(one == Launch("id", arguments: ["-u"]))
        one.volumes = [HostVolume(source: "/a", target: "/b")]
        #expect(one != Launch("id", arguments: ["-u"]))
    }

    @Test("A volume brings neither devices nor set-id programs, and is read-only when it says so")
    func volumes() {
        #expect(HostVolume(source: "/a", target: "/b").attributes == [.noSetID, .noDevices])
        #expect(
            HostVolume(source: "/a", target: "/b", readOnly: true).attributes == [.noSetID, .noDevices, .readOnly])
    }

    @Test("An error says what could not be done, and why")
    func errors() {
        let failure = KernelError(
            "mount proc", "/proc", errno: .notPermitted, hint: "the caller's own is not fully visible")
        #expect(
            "\(LaunchError(.mount, failure))"
                == "cannot mount: mount proc /proc: Operation not permitted (the caller's own is not fully visible)")
    }

    @Test("Every step of the child has a name of its own")
    func steps() {
        // From BK_STEP_JOIN to BK_STEP_EXECUTE; the release alone is no step that fails by itself.
        let names = (1...26).compactMap { LaunchError.Step(number: $0) }
        #expect(Set(names).count == 25)
        #expect(names.count == 25)
        for step in names { #expect(step.number.flatMap(LaunchError.Step.init(number:)) == step) }
        #expect(LaunchError.Step(number: 26) == .execute)
        #expect(LaunchError.Step(number: 27) == nil)
    }
}

@Suite("Roots as steps")
struct RootFileSystemTests {
    let root = RootFileSystem.directory("/image")

    @Test("The root comes first, and volumes after everything that could cover them")
    func order() {
        #expect(root.steps.first == .directory(source: "/image", ownership: .idmapped))
        #expect(root.steps.last == .volumes)
    }

    @Test("With the caller's network its sysfs is shown read-only, since the kernel makes no new one")
    func sysfs() {
        let shared = RootFileSystem.directory("/image", ownNetwork: false)
        let quiet: MountAttributes = [.noSetID, .noDevices, .noExecution, .readOnly]
        #expect(shared.steps.contains(.optional(.bind(source: "/sys", target: "/sys", attributes: quiet))))
        #expect(root.steps.contains(.optional(.new(type: "sysfs", target: "/sys", attributes: quiet))))
    }

    @Test("The guards of a root with host id 0 come after /proc and before the volumes")
    func guards() throws {
        var guarded = root
        guarded.guardHostRoot()
        let sys = try #require(guarded.steps.firstIndex(of: .optional(.readOnly("/proc/sys"))))
        let proc = try #require(guarded.steps.firstIndex { if case .new("proc", _, _, _) = $0 { true } else { false } })
        let volumes = try #require(guarded.steps.firstIndex(of: .volumes))
        #expect(proc < sys && sys < volumes)
    }
}
