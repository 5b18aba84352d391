// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cgroups
import NodeModel
import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite("Values of bulkhead cgroup set")
struct CgroupAssignmentTests {
    @Test(
        "Files of bytes take quantities, and are written as the kernel prints them",
        arguments: [
            ("memory.max=512Mi", "536870912"), ("memory.min=1G", "1000000000"), ("memory.low=max", "max"),
            ("memory.high=0", "0"), ("memory.swap.max=4096", "4096"), ("hugetlb.2MB.max=4Mi", "4194304"),
            ("hugetlb.1GB.rsvd.max=1Gi", "1073741824"), ("pids.max=100", "100"),
            ("cpu.max=50000 100000", "50000 100000"),
            ("cpu.weight=100", "100"), ("io.max=8:0 rbps=max", "8:0 rbps=max"), ("memory.zswap.writeback=1", "1"),
        ])
    func values(argument: String, text: String) throws {
        #expect(try CgroupAssignment(argument).text == text)
    }

    @Test(
        "What is no value of the file is wrong usage that names it",
        arguments: [
            ("memory.max", "FILE=VALUE"), ("=5", "FILE=VALUE"), ("memory.max=", "zero"), ("memory.max=5Q", "5Q"),
            ("memory.max=-1", "below zero"), ("memory.max=100", "one page"), ("pids.max=ten", "ten"),
            ("pids.max=+5", "+5"), ("pids.max=0x10", "0x10"), ("cpu.weight=0", "10000"), ("cpu.weight=10001", "10000"),
            ("../x.y=1", "no interface file"), ("max=1", "no interface file"), ("cgroup.procs=1", "moves a process"),
            ("cgroup.kill=1", "cgroup kill"), ("cgroup.freeze=1", "freeze"), ("cgroup.type=threaded", "domain"),
            ("memory.reclaim=1M", "memory away"), ("memory.pressure=some 1 2", "trigger"),
            ("memory.low=1\n2", "one line"),
        ])
    func refusals(argument: String, reason: String) {
        let failure = #expect(throws: ToolFailure.self) { try CgroupAssignment(argument) }
        #expect(failure?.exit == .usage)
        #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
    }

    @Test("What takes a value back is what was there, line by line where a file has a line for each device")
    func undo() throws {
        #expect(try CgroupAssignment("memory.max=1Gi").undo("max") == ["max"])
        #expect(try CgroupAssignment("cpuset.cpus=0").undo("") == [""])
        let before = "8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2 wbps=max riops=max wiops=max"
        #expect(
            try CgroupAssignment("io.max=8:16 rbps=5").undo(before) == ["8:16 rbps=2 wbps=max riops=max wiops=max"])
        #expect(
            try CgroupAssignment("io.max=8:32 rbps=5").undo(before) == ["8:32 rbps=max wbps=max riops=max wiops=max"])
        let controllers = try CgroupAssignment("cgroup.subtree_control=+memory +pids -cpu -io")
        #expect(controllers.undo("pids cpu") == ["-memory +cpu"])
        #expect(controllers.undo("memory pids") == [])
    }
}

@Suite("Command lines about cgroups")
struct CgroupCommandLineTests {
    private func code(_ arguments: [String]) async -> Int32 { await BulkheadCommand.run(["bulkhead"] + arguments) }

    @Test(
        "What is no command line is wrong usage",
        arguments: [
            ["cgroup", "get"], ["cgroup", "set", "/x"], ["cgroup", "freeze", "/x", "--timeout", "-1"],
            ["cgroup", "freeze", "/x", "--timeout", "nan"], ["cgroup", "kill", "/x", "--timeout", "5"],
            ["cgroup", "rm"], ["cgroup", "shrink", "/x"], ["cgroup", "shrink", "/x", "5Q"],
            ["cgroup", "shrink", "/x", "0"], ["cgroup", "shrink", "/x", "4095"],
            ["cgroup", "shrink", "/x", "64Mi", "--deadline", "soon"], ["cgroup", "reclaim", "/x", "-1"],
            ["cgroup", "reclaim", "/x", "1", "2"], ["cgroup", "delegate", "/x"], ["cgroup", "move", "/x"],
            ["cgroup", "move", "/x", "0"], ["cgroup", "move", "/x", "self"], ["cgroup", "create"],
            ["cgroup", "create", "/x", "--enable", "memroy"], ["cgroup", "create", "/x", "--enable", "memory,,pids"],
            ["explain"], ["tree", "--depth", "-1"], ["tree", "--watch", "0"],
            ["tree", "--watch", "/a", "/b"], ["tree", "/a", "/b"],
        ])
    func wrongUsage(arguments: [String]) async {
        #expect(await code(arguments) == ToolExit.usage.rawValue, "\(arguments)")
    }

    @Test("Sizes, process ids and controllers are read as they are meant")
    func words() throws {
        let shrink = try CgroupShrinkCommand.parse(["/a", "64Mi", "--deadline", "0.5"])
        #expect(shrink.size.bytes == .mebibytes(64))
        #expect(shrink.deadline.duration == .milliseconds(500))
        #expect(try CgroupShrinkCommand.parse(["/a", "max"]).size.bytes == .max)
        #expect(try CgroupMoveCommand.parse(["/a", "12", "13"]).processes == [12, 13])
        let create = try CgroupCreateCommand.parse(["/a", "--enable", "memory,pids", "--enable", "cpu"])
        #expect(try CgroupCreateCommand.controllers(create.enable) == [.memory, .pids, .cpu])
        #expect(try CgroupDelegateCommand.parse(["/a", "0:0"]).user == "0:0")
    }

    @Test("The shell is offered files that make sense: to read those that can be read, to set those with a value")
    func completion() {
        let known = CgroupCompletion.files(of: nil, forSet: false)
        #expect(known.contains("memory.events") && known.contains("memory.max") && !known.contains("cgroup.kill"))
        let set = CgroupCompletion.files(of: nil, forSet: true)
        #expect(set.contains("memory.max=") && set.contains("cpu.weight="))
        for act in ["cgroup.procs=", "cgroup.freeze=", "memory.events=", "memory.reclaim="] {
            #expect(!set.contains(act), "\(act)")
        }
        #expect(CgroupCompletion.files(of: ["x.new", "memory.stat"], forSet: true) == ["x.new="])
    }

    @Test("A change of the event files is a line for each number that is another")
    func events() throws {
        func state(_ events: String, _ memory: String) throws -> CgroupEventState {
            CgroupEventState(files: [
                .init(name: "cgroup.events", counters: try #require(Counters(kernelText: events[...]))),
                .init(name: "memory.events", counters: try #require(Counters(kernelText: memory[...]))),
            ])
        }
        let before = try state("populated 0\nfrozen 0\n", "oom_kill 0\n")
        let changes = try state("populated 1\nfrozen 0\n", "oom_kill 2\nnew 1\n").changes(since: before)
        #expect(changes.map(\.key) == ["populated", "oom_kill", "new"])
        #expect(changes.map(\.before) == [0, 0, nil])
        #expect(changes.map(\.value) == [1, 2, 1])
    }

    @Test("--watch takes seconds or nothing, and the cgroup may follow it")
    func watch() throws {
        func parsed(_ arguments: String...) throws -> TreeCommand { try TreeCommand.parse(arguments) }
        #expect(try parsed().interval == nil)
        #expect(try parsed().named == "/")
        #expect(try parsed("--watch").interval == .seconds(1))
        #expect(try parsed("--watch", "--json").interval == .seconds(1))
        #expect(try parsed("--watch", "0.5").interval == .milliseconds(500))
        #expect(try parsed("--watch", "/a").named == "/a")
        #expect(try parsed("--watch", "2", "/a").named == "/a")
        #expect(try parsed("--watch", "2", "/a").interval == .seconds(2))
        #expect(try parsed("/a", "--watch").named == "/a")
    }

    @Test("A time is decimal seconds", arguments: ["5", "0.25", "100"])
    func seconds(text: String) { #expect(Seconds(argument: text) != nil) }

    @Test("What is no time is none", arguments: ["", "-1", "1e3", "inf", "0x5", "5s", "1.2.3", "99999999999"])
    func noSeconds(text: String) { #expect(Seconds(argument: text) == nil) }

    @Test("Bytes are short for people, cut and not rounded up")
    func short() {
        #expect(ByteCount.max.short == "max")
        #expect(ByteCount.zero.short == "0")
        #expect(ByteCount(1023).short == "1023")
        #expect(ByteCount.kibibytes(1).short == "1Ki")
        #expect(ByteCount(1536).short == "1.5Ki")
        #expect(ByteCount.mebibytes(512).short == "512Mi")
        #expect(ByteCount(1024 * 1024 - 1).short == "1023Ki")
        #expect(ByteCount.gibibytes(3).short == "3Gi")
    }
}
