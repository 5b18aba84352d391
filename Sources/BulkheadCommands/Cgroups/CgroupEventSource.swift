// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import SystemPackage

/// The event files of one cgroup at one time.
struct CgroupEventState: Hashable {
    struct File: Hashable {
        var name: String
        var counters: Counters
    }
    var files: [File]

    static let nothing = CgroupEventState(files: [])

    /// Each number that is another than before, or new.
    func changes(since before: CgroupEventState) -> [CgroupEventChange] {
        files.flatMap { file in
            let old = before.files.first { $0.name == file.name }?.counters
            return file.counters.entries.compactMap { entry in
                let value = old?[entry.key]
                return value == entry.value
                    ? nil : CgroupEventChange(file: file.name, key: entry.key, before: value, value: entry.value)
            }
        }
    }
}

/// One number that changed.
struct CgroupEventChange: Hashable {
    var file: String
    var key: String
    var before: UInt64?
    var value: UInt64
}

/// The event files of one cgroup, held open: the kernel says when one changes.
struct CgroupEventSource: ~Copyable {
    private let cgroup: Cgroup
    private let core: Descriptor
    private let memory: Descriptor?
    private let pids: Descriptor?

    init(_ cgroup: consuming Cgroup) throws(KernelError) {
        core = try cgroup.directory.open("cgroup.events", .reading)
        // Without the controllers there is nothing to tell.
        memory = try? cgroup.directory.open("memory.events", .reading)
        pids = try? cgroup.directory.open("pids.events", .reading)
        self.cgroup = cgroup
    }

    /// What the files hold now; nil when the cgroup is gone.
    borrowing func read() throws(KernelError) -> CgroupEventState? {
        do throws(KernelError) {
            var files = [CgroupEventState.File(name: "cgroup.events", counters: try Self.counters(core))]
            switch memory {
            case .some(let file): files.append(.init(name: "memory.events", counters: try Self.counters(file)))
            case .none: break
            }
            switch pids {
            case .some(let file): files.append(.init(name: "pids.events", counters: try Self.counters(file)))
            case .none: break
            }
            return CgroupEventState(files: files)
        } catch {
            if error.meansCgroupIsGone { return nil }
            throw error
        }
    }

    /// Sleeps until one changes, and reads all; nil when the cgroup is gone.
    ///
    /// A sleeper is not woken by the removal of the cgroup, but a new `poll` answers at once; so it is asked again every
    /// two seconds.
    borrowing func readWhenChanged() throws(KernelError) -> CgroupEventState? {
        while true {
            let ready = try poll(
                [core.number, number(memory), number(pids)], for: .priority, timeoutMilliseconds: 2000)
            if ready.contains(where: { !$0.isEmpty }) { return try read() }
        }
    }

    private borrowing func number(_ file: borrowing Descriptor?) -> CInt {
        switch file {
        case .some(let file): file.number
        case .none: -1
        }
    }

    private static func counters(_ file: borrowing Descriptor) throws(KernelError) -> Counters {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try file.readAgain(into: &buffer)
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        guard let counters = Counters(kernelText: text[...]) else {
            throw KernelError("read", "cgroup.events", value: text.trimmingNewline, errno: .badMessage)
        }
        return counters
    }
}
