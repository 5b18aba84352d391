// SPDX-License-Identifier: Apache-2.0

import LinuxKernel
import SystemPackage
import TestSupport
import Testing

/// What the probes say, checked against the kernel by another way.
@Suite struct KernelFeatureTests {
    private let features = KernelFeatures.probe()

    @Test("Probing leaves nothing: no mount, no descriptor, no cgroup", .needs(.root))
    func leavesNothing() async throws {
        // In a process of its own, where no other test opens or mounts anything.
        await #expect(processExitsWith: .success) {
            func seen() throws -> [String] {
                let numbers = try Descriptor.open("/proc/self/fd", [.directory]).entries()
                let cgroups = try CgroupHost.probe().root.map { try Descriptor.open($0, [.directory]).entries() } ?? []
                return numbers.sorted() + cgroups.filter { $0.hasPrefix("bulkhead-probe") }
                    + [try readKernelFile("/proc/self/mountinfo")]
            }
            _ = KernelFeatures.probe()
            // Others mount and probe on this machine too; what we leave would be there after every round.
            let isClean = try (0..<5).contains { _ in
                let before = try seen()
                for _ in 0..<10 {
                    _ = KernelFeatures.probe()
                    _ = UserNamespaceHost.probe()
                    _ = PathSupport.probe("/")
                }
                return try seen() == before
            }
            #expect(isClean)
        }
    }

    @Test("A kernel that says it is new has what Linux had long before, for root", .needs(.root))
    func agreesWithTheVersion() throws {
        let version = try KernelVersion.running()
        for feature in features.all where !version.isDisguised && !feature.name.contains(".") {
            if feature.inKernel == false, version >= feature.since {
                // Only what may be left out of a build can be missing.
                #expect(
                    ["landlock", "overlay", "pressure_stall", "time_namespaces"].contains(feature.name), "\(feature)")
            }
        }
        // Vendors carry back, but hardly by ten releases of Linux.
        #expect(features["openat2"]?.available == true || version < KernelVersion(5, 6))
    }

    @Test("User namespaces are there where one can be made", .needs(.userNamespaces))
    func userNamespaces() throws {
        let zombie = try NamespaceCall.Companion.exiting()
        #expect(zombie.pid > 0)
        #expect(UserNamespaceHost.probe().limits.contains { $0.name == "max_user_namespaces" && $0.value > 0 })
    }

    @Test("A tmpfs takes an ID map where the probe says so", .needs(.root), .needs(.feature("idmapped_tmpfs")))
    func tmpfsTakesAMap() throws {
        #expect(features["idmapped_mounts"]?.available == true)
        let shared = PathSupport.probe("/dev/shm")
        if shared.fileSystem == "tmpfs" { #expect(shared.takesIDMap, "\(shared.reason ?? "")") }
    }

    @Test("A file system is named as in the mount table")
    func namesFileSystems() throws {
        #expect(PathSupport.probe("/proc/self").fileSystem == "proc")
        #expect(PathSupport.probe("/sys").fileSystem == "sysfs")
    }

    @Test("The memory controller is there where the root offers it", .needs(.memoryController))
    func memoryController() throws {
        let root = try #require(CgroupHost.probe().root)
        #expect(try readKernelFile(root.appending("cgroup.controllers")).contains("memory"))
    }
}
