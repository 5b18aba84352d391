// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// Where the steps of a change are done: the kernel's tree or, in tests, a model of it.
protocol TreeBackend: ~Copyable {
    borrowing func perform(_ step: TreeStep) throws(KernelError)
}

/// The tree of the kernel, beneath the root of the mounted hierarchy.
struct LiveTree: ~Copyable, TreeBackend {
    let mount: Cgroup
    let pageSize: ByteCount
    /// The extended attribute that records are in.
    let attribute: String

    init(mount: consuming Cgroup, pageSize: ByteCount) {
        // Whether `trusted.*` may be written is asked by removing what is not there.
        var isTrusted = false
        do {
            let directory = try mount.directory.open(".", [.directory, .reading])
            try directory.removeAttribute(CgroupRecord.trustedAttribute + ".probe")
            isTrusted = true
        } catch {}
        attribute = isTrusted ? CgroupRecord.trustedAttribute : CgroupRecord.attribute
        self.mount = mount
        self.pageSize = pageSize
    }

    borrowing func perform(_ step: TreeStep) throws(KernelError) {
        switch step {
        case .make(let path):
            if let name = path.name, let hint = newNameFault(name) {
                throw KernelError("mkdirat", name, in: place(path.parent), errno: .invalidArgument, hint: hint)
            }
            let isNew: Bool
            do { isNew = try mount.directory.makeDirectory(relative(path)) } catch {
                throw error.placed(in: place(path.parent)).hinting(makingHint(error.errno))
            }
            if !isNew {
                throw KernelError(
                    "mkdirat", path.name ?? "", in: place(path.parent), errno: .fileExists,
                    hint: "somebody else made it meanwhile")
            }
        case .remove(let path):
            do { try mount.directory.removeDirectory(relative(path)) } catch {
                if error.errno != .noSuchFileOrDirectory { throw error }
            }
        case .enable(let names, let path):
            try mount.open(path).enable(Set(names.map(Controller.init(rawValue:))))
        case .disable(let names, let path):
            let text = names.map { "-" + $0 }.joined(separator: " ")
            try mount.open(path).write(text, to: .subtreeControl)
        case .record(let record, _, let path): try keep(record, path)
        case .write(let knob, let value, _, let path): try write(knob, value, path)
        }
    }

    /// Writes a value and reads it back: the kernel accepts in silence what it then rounds or ignores.
    private borrowing func write(_ knob: ControlKnob, _ value: String, _ path: CgroupPath) throws(KernelError) {
        let file = CgroupFile(named: knob.file)
        let text = knob.text(value)
        let opened: Descriptor
        do {
            opened = try mount.directory.open(relative(path) + knob.file, .readingAndWriting)
        } catch {
            // This way finds out the reason, or finds that there is none any more.
            return try mount.open(path).write(text, to: file)
        }
        do { try opened.writeValue(text, called: knob.file, in: place(path)) } catch {
            throw error.hinting(error.meansCgroupIsGone ? "the cgroup is gone" : writeHint(error.errno, file))
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count: Int
        do { count = try opened.readAgain(into: &buffer) } catch { throw error.placed(in: place(path)) }
        let found = ControlKnob.values(in: String(decoding: buffer[..<count], as: UTF8.self), of: knob.file)
        guard let kept = found.first(where: { $0.knob == knob })?.value else { return }
        if kept != knob.kept(value, pageSize: pageSize) {
            throw KernelError(
                "write", knob.file, value: text, in: place(path), errno: .ioError,
                hint: "the kernel accepted it, but holds \(kept)")
        }
    }

    private borrowing func keep(_ record: CgroupRecord?, _ path: CgroupPath) throws(KernelError) {
        let directory = try reader(path)
        do {
            if let record {
                try directory.setAttribute(attribute, to: record.text)
            } else {
                try directory.removeAttribute(attribute)
            }
        } catch { throw error.placed(in: place(path)) }
    }

    /// The directory, open for reading: extended attributes are not read through `O_PATH`.
    borrowing func reader(_ path: CgroupPath) throws(KernelError) -> Descriptor {
        do { return try mount.directory.open(path.isRoot ? "." : relative(path), [.directory, .reading]) } catch {
            throw error.placed(in: mount.location)
        }
    }

    /// The path beneath the mount, with a slash at its end; empty for the root.
    borrowing func relative(_ path: CgroupPath) -> String {
        path.isRoot ? "" : path.components.joined(separator: "/") + "/"
    }

    borrowing func place(_ path: CgroupPath?) -> String {
        guard let path, !path.isRoot else { return mount.location }
        return mount.locationOf(path.components.joined(separator: "/"))
    }
}
