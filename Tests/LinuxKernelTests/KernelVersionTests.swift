// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LinuxKernel

@Suite struct KernelVersionTests {
    @Test(
        "Releases as users meet them are read",
        arguments: [
            ("6.18.44-fc-v657", [6, 18, 44]), ("5.10.0-32-cloud-amd64", [5, 10, 0]), ("6.1.176+", [6, 1, 176]),
            ("4.19.0", [4, 19, 0]), ("6.6.87.2-microsoft-standard-WSL2", [6, 6, 87]), ("7.2-rc3", [7, 2, 0]),
            ("7.2.0", [7, 2, 0]), ("2.6.32-754.el6.x86_64", [2, 6, 32]), ("5.14.0-427.13.1.el9_4.x86_64", [5, 14, 0]),
            ("6.8.0-45-generic", [6, 8, 0]), ("6.12", [6, 12, 0]), ("4.4.0", [4, 4, 0]),
        ])
    func reads(release: String, numbers: [Int]) throws {
        let version = try KernelVersion(release)
        #expect([version.major, version.minor, version.patch] == numbers)
        #expect(version.release == release)
        #expect(!version.isDisguised)
    }

    @Test(
        "What is no release is refused",
        arguments: [
            "", "6", "6.", ".6", "linux", "6.x", "6.1.", "6.1.y", "-6.1", " 6.1", "٦.١", "6,1",
            "99999999999999999999.1",
        ])
    func refuses(release: String) {
        #expect(throws: KernelVersionError(release: release)) { try KernelVersion(release) }
    }

    @Test("Versions compare by number, not by text")
    func compares() throws {
        #expect(try KernelVersion("5.10.0") > KernelVersion("5.9.16"))
        #expect(try KernelVersion("6.1.176+") == KernelVersion("6.1.176"))
        #expect(try KernelVersion("7.2-rc3") == KernelVersion("7.2.0"))
        #expect(KernelVersion(5, 12) < KernelVersion(5, 12, 1))
        #expect(KernelVersion(6, 0) > KernelVersion(5, 19, 17))
    }

    @Test("Under UNAME26 the version is not believed")
    func knowsADisguise() throws {
        let version = try KernelVersion("2.6.78-fc-v657")
        #expect(version.isDisguised)
        #expect(KernelWarning.warnings(for: version).map(\.id) == ["disguised-release"])
    }

    @Test(
        "Each kernel gets the warnings that are known of it",
        arguments: [
            ("5.8.18", ["memory-high-livelock", "no-idmapped-mounts", "no-idmapped-tmpfs"]),
            ("5.9.0", ["no-idmapped-mounts", "no-idmapped-tmpfs"]),
            ("5.11.22", ["no-idmapped-mounts", "no-idmapped-tmpfs"]),
            ("5.12-rc1", ["no-idmapped-tmpfs"]), ("6.2.16", ["no-idmapped-tmpfs"]), ("6.3.0", []), ("7.2.0", []),
        ])
    func warns(release: String, ids: [String]) throws {
        #expect(KernelWarning.warnings(for: try KernelVersion(release)).map(\.id) == ids)
    }

    @Test("The running kernel states a version")
    func readsTheRunningKernel() throws {
        #expect(try KernelVersion.running().major >= 2)
    }
}
