// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import LinuxKernel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite(
    "bulkhead bench idmap", .serialized, .needs(.root), .needs(.idmappedMounts), .needs(toolIsThere),
    .needs(.command("mkfs.ext4")), .needs(loopDevices))
struct BenchToolTests {
    /// Runs a script with `$D` for an empty folder where images go, and `images`, which lists the loop devices on them.
    private func run(_ script: String) throws -> (Finished, Scratch) {
        let scratch = try Scratch()
        return (
            try shell(
                """
                D=\(scratch.path)
                images() { grep -l "^$D/" /sys/block/loop*/loop/backing_file 2>/dev/null; }
                # The kernel takes them away a moment after their last user has ended.
                left() { for try in $(seq 200); do [ -z "$(images)" ] && break; sleep 0.1; done
                    images; ls -A $D; grep " $D" /proc/self/mountinfo; }
                \(script)
                """), scratch
        )
    }

    @Test("It writes a table, JSON, a drawing and a page, and leaves nothing else")
    func reports() throws {
        let (found, scratch) = try run(
            """
            mkdir $D/out
            $B bench idmap --dir $D --fs ext4,tmpfs,overlay --files 1,120 --runs 2 --seconds 0 \\
                --json $D/out/r.json --svg $D/out/r.svg --html $D/out/r.html >$D/out/text 2>$D/out/errors || exit 1
            left
            $B bench --from $D/out/r.json --svg $D/out/again.svg >$D/out/text2 || exit 1
            cmp $D/out/r.svg $D/out/again.svg && cmp $D/out/text $D/out/text2 || exit 1
            python=$(command -v python3) || exit 0
            $python -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' $D/out/r.svg
            """)
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(found.lines == ["out"], "\(found.output)")
        let report = Document(try JSONSerialization.jsonObject(with: Data(scratch.text("out/r.json").utf8)))
        #expect(report["kernel"].text?.isEmpty == false)
        #expect(report["command"].text?.hasPrefix("bulkhead bench idmap --dir ") == true)
        let results = report["results"].all
        for (system, files) in [("ext4", 1), ("ext4", 120), ("tmpfs", 1), ("tmpfs", 120)] {
            for method in ["bind", "idmap", "chown", "shift"] {
                let result = results.first {
                    $0["bench"].text == "idmap" && $0["fs"].text == system && $0["files"].number == UInt64(files)
                        && $0["method"].text == method && $0["task"].text == nil
                }
                #expect(result?["seconds"]["runs"].number ?? 0 > 0, "\(system) \(files) \(method)")
            }
        }
        #expect(results.contains { $0["fs"].text == "overlay" && $0["method"].text == "idmap" })
        #expect(
            results.contains { $0["fs"].text == "ext4" && $0["task"].text == "cold" && $0["method"].text == "chown" })
        // Every inode is changed by a call of its own, and written: neither depends on how busy the machine is.
        let chown = results.first {
            $0["fs"].text == "ext4" && $0["files"].number == 120 && $0["method"].text == "chown"
        }
        #expect(chown?["counts"]["device bytes written"].number ?? 0 >= 4096)
        if let calls = chown?["counts"]["system calls"].number { #expect(calls >= 120) }
        let idmap = results.first {
            $0["fs"].text == "ext4" && $0["files"].number == 120 && $0["method"].text == "idmap"
        }
        #expect(idmap?["counts"]["device bytes written"].number == 0)
        #expect(scratch.text("out/r.html").hasPrefix("<!DOCTYPE html>"))
        #expect(scratch.text("out/text").contains("until a tree can be used"))
    }

    @Test("Interrupted, it says so by its exit code and leaves nothing")
    func interrupted() throws {
        // In place of the shell, which ignores the signal for what it starts in the background.
        let (found, _) = try run(
            """
            ( for try in $(seq 400); do [ -n "$(images)" ] && break; sleep 0.05; done; sleep 0.5
                kill -INT $$ ) >/dev/null 2>&1 &
            exec $B bench idmap --dir $D --fs ext4 --files 1 --runs 100000 --seconds 100000 2>&1
            """)
        #expect(found.exit.status == .exited(130), "\(found.output)")
        #expect(found.output.contains("stopped by signal 2"), "\(found.output)")
        #expect(!found.output.contains("not measured"), "\(found.output)")
    }

    @Test("Killed, the kernel takes all of it away")
    func killed() throws {
        let (found, _) = try run(
            """
            $B bench idmap --dir $D --fs ext4 --files 1000 --runs 100000 --seconds 100000 >/dev/null 2>&1 & pid=$!
            for try in $(seq 400); do [ -n "$(images)" ] && break; sleep 0.05; done
            [ -n "$(images)" ] && echo there
            kill -KILL $pid
            { wait $pid; code=$?; } 2>/dev/null; echo $code
            left
            """)
        #expect(found.lines == ["there", "137"], "\(found.output)")
    }

    @Test("What a killed run left in a folder of the host, the next one removes")
    func sweeping() throws {
        let (found, _) = try run(
            """
            mkdir -p $D/bulkhead-bench-1/tree/d0 $D/other
            : >$D/bulkhead-bench-1/tree/d0/0
            $B bench idmap --dir $D --fs current --files 1 --runs 1 --seconds 0 >/dev/null 2>&1 || echo failed
            left
            """)
        #expect(found.lines == ["other"], "\(found.output)")
    }
}

private let loopDevices = Requirement(
    "loop", absence: FileManager.default.fileExists(atPath: "/dev/loop-control") ? nil : "there is no /dev/loop-control"
)
