// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("A hostile file tree")
struct AttackFileTests {
    @Test(
        "A working directory in a descriptor of its starter's is none (CVE-2024-21626)", .needs(.root),
        .needs(.idmappedMounts))
    func workingDirectory() throws {
        let scratch = try mappableScratch()
        try scratch.folder("of-host")
        try scratch.file("of-host/marker")
        let low = unsafe open(scratch.path("of-host"), O_RDONLY | O_DIRECTORY)
        let high = fcntl(low, F_DUPFD, 200)
        defer {
            close(low)
            close(high)
        }
        let places =
            (3..<12).map { "/proc/self/fd/\($0)" }
            + [low, high].map { "/proc/self/fd/\($0)" } + ["/proc/self/cwd/..", "/proc/1/cwd", "/dev/fd/5/../.."]
        var plans = try places.map { place in
            var launch = try Launch.isolated("ls -a . .. ../..")
            launch.directory = place
            return launch
        }
        var image = try LaunchRootTests.image(scratch, links: ["work": "/proc/self/fd/\(low)", "home": "/proc/1/cwd"])
        image.arguments = ["-c", "ls -a . .. ../.."]
        for place in ["/work", "/home"] {
            image.directory = place
            plans.append(image)
        }
        for plan in plans {
            do {
                let found = try finish(plan)
                #expect(!found.output.contains("marker"), "\(plan.directory ?? "") \(found.output)")
            } catch let error as LaunchError {
                #expect(error.step == .directory, "\(error)")
            }
        }
    }

    @Test(
        "What an image has in place of /dev/null, the console and files of /proc is not what covers and locks",
        .needs(.root), .needs(.idmappedMounts),
        arguments: ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/1/attr/current"])
    func masks(target: String) throws {
        let scratch = try mappableScratch()
        var launch = try LaunchRootTests.image(
            scratch,
            links: ["dev/null": target, "dev/console": target, "dev/pts/0": target, "proc/kcore": target])
        launch.user = try hostRootMap
        launch.root?.guardHostRoot()
        launch.terminal = true
        launch.arguments = [
            "-c",
            """
            exec >/etc/seen 2>&1
            for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/kernel/modprobe; do
                ( : >>$file ) 2>/dev/null && echo "opened $file"
            done
            [ "$(head -c 4 /proc/kcore 2>/dev/null | wc -c)" -eq 0 ] || echo "read kcore"
            [ "$(head -c 4 /dev/null | wc -c)" -eq 0 ] || echo "no null"
            cat /proc/self/mountinfo >/dev/null && echo end
            """,
        ]
        _ = try launch.start().wait()
        #expect(scratch.text("rootfs/etc/seen") == "end\n")
    }

    @Test("Who renames a directory away beneath a volume does not get above the volume", .needs(.root))
    func renamed() throws {
        let scratch = try Scratch()
        try scratch.folder("v/inner/deep")
        try scratch.file("marker", "of the host")
        for place in ["v", "v/inner", "v/inner/deep"] { unsafe chmod(scratch.path(place), 0o777) }
        var launch = try Launch.isolated(
            """
            cd /tmp/w/deep && mv /tmp/v/inner/deep /tmp/v/deep || exit 1
            for n in 1 2 3 4 5 6; do cd -P .. 2>/dev/null; cat marker ../marker ../../marker 2>/dev/null; done
            ls -d /tmp/v/deep
            """)
        launch.volumes = [
            HostVolume(source: scratch.path("v"), target: "/tmp/v", ownership: .plain),
            HostVolume(source: scratch.path("v/inner"), target: "/tmp/w", ownership: .plain),
        ]
        #expect(try finish(launch).output == "/tmp/v/deep\n")
    }

    @Test(
        "Mounts cross the border of a volume in no direction, where the host shares its own", .needs(.root),
        .needs(.command("unshare")), .needs(toolIsThere))
    func propagation() throws {
        let scratch = try Scratch()
        try scratch.folder("shared")
        let found = try shell(
            """
            export S=\(scratch.path("shared"))
            exec unshare -m sh -c '
                mount --make-rprivate / && mount -t tmpfs none $S && mount --make-shared $S && mkdir -p $S/v/in $S/v/out
                mkfifo $S/v/go
                $B run --cap-add SYS_ADMIN --volume $S/v:/tmp/v:plain --map 0:0:1000 -- sh -c "
                    mount --make-rshared /tmp/v; mount -t tmpfs of-guest /tmp/v/in && echo mounted
                    echo >/tmp/v/go; read line </tmp/v/go; cat /proc/self/mountinfo" &
                read line <$S/v/go
                mount -t tmpfs of-host $S/v/out; grep of-guest /proc/self/mountinfo
                echo >$S/v/go; wait'
            """)
        #expect(found.lines.first == "mounted", "\(found.output)")
        #expect(found.lines.count { $0.contains("of-guest") } == 1, "\(found.output)")
        #expect(!found.output.contains("of-host"), "\(found.output)")
        #expect(found.lines.count > 5, "\(found.output)")
    }

    @Test(
        "In its cgroup it can neither set limits, make cgroups nor move out, as its owner neither", .needs(.root),
        .needs(.cgroup2))
    func cgroup() throws {
        let name = "bulkhead-live-\(getpid())-caged"
        let own = try TransientCgroup(named: name, in: try Cgroup.root())
        var launch = try Launch.isolated(
            """
            mount -o remount,rw,bind /sys/fs/cgroup 2>/dev/null; mkdir /tmp/c && mount -t cgroup2 none /tmp/c || exit 1
            for c in /sys/fs/cgroup /tmp/c; do
                mkdir $c/sub && echo "made a cgroup"
                for file in cgroup.max.depth cgroup.max.descendants cgroup.freeze pids.max memory.max memory.high; do
                    [ -e $c/$file ] && echo 1 >$c/$file && echo "wrote $file"
                done
                echo +pids >$c/cgroup.subtree_control && echo "enabled a controller"
                for up in .. ../.. ../\(name); do
                    [ -e $c/$up/cgroup.procs ] && echo $$ >$c/$up/cgroup.procs && echo "moved to $up"
                done
                echo '/bin/true' >$c/release_agent && echo "wrote release_agent"
            done 2>/dev/null
            cat /proc/self/cgroup | grep ^0:; ls /tmp/c | grep -c bulkhead
            """)
        launch.capabilities = .supported
        let found = try finish(launch) { try $0.start(in: own.cgroup) }
        #expect(found.output == "0::/\n0\n")
        try own.remove()
    }

    @Test("What it sets of the limits on namespaces and of the network is its own", .needs(.root))
    func sysctls() throws {
        let files = ["user/max_user_namespaces", "user/max_net_namespaces", "net/ipv4/ip_forward", "kernel/hostname"]
        func values() throws -> [String] { try files.map { try readKernelFile(FilePath("/proc/sys/\($0)")) } }
        let before = try values()
        let found = try finish(
            .isolated(
                """
                echo 0 >/proc/sys/user/max_user_namespaces; echo 7 >/proc/sys/user/max_net_namespaces
                echo 1 >/proc/sys/net/ipv4/ip_forward; hostname hostile
                unshare -U true 2>/dev/null || echo "none left"
                """))
        #expect(found.lines.last == "none left", "\(found.output)")
        #expect(try values() == before)
    }
}
