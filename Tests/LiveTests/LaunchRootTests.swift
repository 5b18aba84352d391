// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("The files a command sees")
struct LaunchRootTests {
    @Test("The view of the host is read-only, without its /run, /tmp, /root and devices", .needs(.root))
    func hostView() throws {
        let scratch = try Scratch()
        let found = try finish(
            .isolated(
                """
                for place in / /usr /etc /var /bin; do touch $place/bulkhead-live-try 2>/dev/null && echo "wrote $place"; done
                for place in /tmp /run /root /dev/shm; do
                    [ -z "$(ls -A $place)" ] || echo "not empty: $place: $(ls -A $place)"
                    touch $place/x || echo "cannot write $place"
                done
                ls /dev | tr '\\n' ' '; echo
                ls "$1" 2>&1
                """, scratch.path))
        #expect(
            found.lines.first
                == "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ", "\(found.output)")
        #expect(!FileManager.default.fileExists(atPath: "/usr/bulkhead-live-try"))
    }

    @Test("No mount inside is shared with the host, has set-id programs or devices of the host's", .needs(.root))
    func mountFlags() throws {
        let found = try finish(.isolated("cat /proc/self/mountinfo"))
        #expect(found.lines.count > 5)
        for line in found.lines {
            let fields = line.split(separator: " ").map(String.init)
            #expect(!line.contains(" shared:") && !line.contains(" master:"), "\(line)")
            let options = fields[5].split(separator: ",")
            // The harmless devices of the host are each bound as a file.
            let isDevice = fields[4].hasPrefix("/dev/") && fields[3] == fields[4].dropFirst(4)
            #expect(isDevice || options.contains("nosuid"), "\(line)")
            #expect(fields[4].hasPrefix("/dev") || options.contains("nodev"), "\(line)")
        }
        #expect(!found.lines.contains { $0.contains("cgroup rw") })
    }

    @Test(
        "What root makes in an ID-mapped volume belongs to the disk's root, and no owner changes", .needs(.root),
        .needs(.idmappedMounts), arguments: mappableFileSystems)
    func mappedVolume(fileSystem: String) throws {
        let scratch = try Scratch(in: fileSystem)
        try scratch.file("of-root", "secret")
        try scratch.file("of-user", "mine")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: scratch.path("of-root"))
        unsafe chown(scratch.path("of-user"), 1000, 1001)
        var launch = try Launch.isolated(
            """
            cat /tmp/v/of-root; echo; stat -c '%n %u %g' /tmp/v/of-root /tmp/v/of-user
            echo new >/tmp/v/made && mkdir /tmp/v/folder && chown 5:6 /tmp/v/folder && echo done
            """)
        launch.volumes = [HostVolume(source: scratch.path, target: "/tmp/v")]
        let found = try finish(launch)
        #expect(found.lines == ["secret", "/tmp/v/of-root 0 0", "/tmp/v/of-user 1000 1001", "done"])
        let folder = try Descriptor.open(FilePath(scratch.path), [.path, .directory])
        func owner(_ name: String) throws -> [UInt32] {
            let status = try folder.status(of: name)
            return [status.uid, status.gid]
        }
        #expect(try owner("made") == [0, 0])
        #expect(try owner("folder") == [5, 6])
        #expect(try owner("of-root") == [0, 0])
        #expect(try owner("of-user") == [1000, 1001])
        #expect(try owner("") == [0, 0])
        #expect(!wholeMountTable().contains(scratch.path))
    }

    @Test(
        "Read-only volumes take no write, plain ones show strangers as nobody", .needs(.root), .needs(.idmappedMounts))
    func volumeKinds() throws {
        let scratch = try mappableScratch()
        try scratch.folder("a")
        try scratch.folder("b")
        try scratch.file("single", "one file")
        unsafe chmod(scratch.path("a"), 0o777)
        unsafe chmod(scratch.path("b"), 0o777)
        var launch = try Launch.isolated(
            """
            touch /tmp/ro/x 2>/dev/null && echo "wrote ro"
            touch /tmp/plain/x && stat -c %u /tmp/plain
            cat /tmp/deep/er/single; echo; echo more 2>/dev/null >>/tmp/deep/er/single && echo "wrote file"
            """)
        launch.volumes = [
            HostVolume(source: scratch.path("a"), target: "/tmp/ro", readOnly: true),
            HostVolume(source: scratch.path("b"), target: "/tmp/plain", ownership: .plain),
            HostVolume(source: scratch.path("single"), target: "/tmp/deep/er/single", readOnly: true),
        ]
        #expect(try finish(launch).lines == ["65534", "one file"])
        let made = try Descriptor.open(FilePath(scratch.path("b/x")), .path).status()
        #expect(made.uid == testOutside)
    }

    @Test(
        "A volume on a file system without ID maps is refused with its name", .needs(.root),
        .needs(.feature("mount_setattr")))
    func unsupported() throws {
        var launch = try Launch.isolated("true")
        launch.volumes = [HostVolume(source: "/proc/sys", target: "/tmp/v")]
        let failure = try LaunchFailureTests.failure(of: launch)
        #expect(failure.step == .prepare)
        #expect(failure.failure.errno == .invalidArgument)
        #expect("\(failure)".contains("takes no ID map") && "\(failure)".contains("proc"), "\(failure)")
        #expect(failure.failure.subject == "/proc/sys")
    }

    /// A root file system of a hostile image: programs are bound in, links point where they should not.
    static func image(_ scratch: Scratch, links: [String: String]) throws -> Launch {
        for folder in ["usr", "etc", "inner"] { try scratch.folder("rootfs/\(folder)") }
        for name in ["bin", "lib", "lib64", "sbin"] {
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/\(name)") {
                try scratch.link("rootfs/\(name)", to: target)
            }
        }
        try scratch.file("rootfs/etc/marker", "inside")
        for (name, target) in links {
            let parent = URL(filePath: "rootfs/\(name)").deletingLastPathComponent().relativePath
            try scratch.folder(parent)
            try? FileManager.default.removeItem(atPath: scratch.path("rootfs/\(name)"))
            try scratch.link("rootfs/\(name)", to: target)
        }
        var launch = try Launch.isolated("cat /proc/self/mountinfo; ls /etc")
        launch.root = .directory(scratch.path("rootfs"))
        launch.volumes = [HostVolume(source: "/usr", target: "/usr", readOnly: true, ownership: .plain)]
        return launch
    }

    @Test(
        "A link in an image leads no mount target out of the root", .needs(.root), .needs(.idmappedMounts),
        arguments: [
            "/etc", "../../../../../../etc", "/inner/../../../../etc", "/inner/step", "/proc/self/root/etc",
            "/proc/1/root/etc", "/proc/self/cwd", "/dev/fd/3",
        ])
    func hostileTarget(target: String) throws {
        let scratch = try mappableScratch()
        let before = mountTable()
        let etc = try FileManager.default.contentsOfDirectory(atPath: "/etc").sorted()
        try scratch.folder("volume")
        try scratch.file("volume/of-volume", "x")
        var launch = try Self.image(scratch, links: ["data": target, "inner/step": "/etc"])
        launch.volumes.append(HostVolume(source: scratch.path("volume"), target: "/data"))
        launch.volumes.append(HostVolume(source: scratch.path("volume"), target: "/data/below/it"))
        launch.streams = Streams(input: .null, output: .null, error: .null)
        // It may start, with the mount somewhere in the image, or be refused; it may not reach the host.
        do {
            _ = try launch.start().wait()
        } catch let error as LaunchError {
            #expect(error.step == .mount, "\(error)")
        }
        #expect(mountTable() == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "/etc").sorted() == etc)
        #expect(!FileManager.default.fileExists(atPath: "/below"))
    }

    @Test(
        "An image whose /dev, /proc, /sys or /tmp is a link gets its mounts inside the root or none", .needs(.root),
        .needs(.idmappedMounts), arguments: ["dev", "proc", "sys", "tmp", "run"],
        ["/etc", "../../../etc", "/proc/self/root", "/nowhere/at/all"])
    func hostileKernelFolders(folder: String, target: String) throws {
        let scratch = try mappableScratch()
        let before = mountTable()
        var launch = try Self.image(scratch, links: [folder: target])
        launch.streams = Streams(input: .null, output: .null, error: .null)
        do {
            _ = try launch.start().wait()
        } catch let error as LaunchError {
            #expect([.mount, .terminal, .execute].contains(error.step), "\(error)")
        }
        #expect(mountTable() == before)
        #expect(!FileManager.default.fileExists(atPath: "/nowhere"))
        #expect(FileManager.default.fileExists(atPath: "/etc/passwd"))
    }

    @Test(
        "An image as root is ID-mapped, with fresh /proc and /dev, and the old root cannot be reached", .needs(.root),
        .needs(.idmappedMounts))
    func image() throws {
        let scratch = try mappableScratch()
        var launch = try Self.image(scratch, links: [:])
        launch.arguments = [
            "-c",
            "stat -c '%u' /etc/marker; cat /etc/marker; echo; touch /etc/made; ls /; ls /proc/1/root/; cd ..; cd ..; ls",
        ]
        let found = try finish(launch)
        #expect(found.lines.prefix(2) == ["0", "inside"], "\(found.output)")
        #expect(!found.output.contains("work") && !found.output.contains("home"))
        let made = try Descriptor.open(FilePath(scratch.path("rootfs/etc/made")), .path).status()
        #expect(made.uid == 0)
    }

    @Test("Two commands share a network and a host name, but no mounts and no processes", .needs(.root))
    func sharedNamespaces() throws {
        let shared = try SharedNamespaces(user: testMap, kinds: [.network, .ipc, .uts], hostName: "pod-name")
        #expect(!hasChildrenNamed("namespaces"))
        let script = """
            for kind in net ipc uts user mnt pid; do echo "$kind=$(readlink /proc/self/ns/$kind)"; done
            cat /proc/sys/kernel/hostname /sys/class/net/lo/flags; cat /proc/self/uid_map
            """
        func start(_ launch: Launch) throws -> Child {
            var launch = launch
            launch.namespaces = [.pid, .cgroup]
            launch.hostName = nil
            return try launch.start(sharing: shared)
        }
        let one = try finish(.isolated(script), start: start)
        let other = try finish(.isolated(script), start: start)
        #expect(one.exit.status == .exited(0))
        for kind in ["net", "ipc", "uts", "user"] {
            #expect(one.value(kind) == other.value(kind) && one.value(kind) != nil, "\(kind)")
            #expect(
                try one.value(kind) != FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(kind)"))
        }
        // Not with each other: the numbers of namespaces that have ended are given again.
        for kind in ["mnt", "pid"] {
            #expect(
                try one.value(kind) != FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(kind)"))
        }
        #expect(one.lines.contains("pod-name") && one.lines.contains("0x9"), "\(one.output)")
        #expect(one.lines.last?.split(separator: " ").map(String.init) == ["0", "\(testOutside)", "65536"])
    }

    private func hasChildrenNamed(_ name: String) -> Bool {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.contains { (try? readKernelFile(FilePath("/proc/\($0)/comm"))) == name }
    }
}
