// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension Cgroup {
    /// Writes a value, in one call as the kernel demands.
    ///
    /// Success means that the kernel took the value, not that the goal is reached: a `memory.max` under the current
    /// use reclaims, kills and reports success either way. Read back what matters.
    public borrowing func write<Value>(_ value: Value, to file: InterfaceFile<Value>) throws(KernelError) {
        let text = value.kernelText
        if let hint = value.refusal {
            throw KernelError("write", file.file.name, value: text, in: location, errno: .invalidArgument, hint: hint)
        }
        try write(text, to: file.file)
    }

    /// Reads a value; nil when this kernel has no such file (or, on the root, no cgroup limit there).
    ///
    /// A file that is missing because its controller is not enabled is an error, and says so.
    public borrowing func read<Value>(_ file: InterfaceFile<Value>) throws(KernelError) -> Value? {
        guard let text = try text(of: file.file, inPieces: false) else { return nil }
        guard let value = Value(kernelText: text[...]) else { throw unreadable(file.file, text) }
        return value
    }

    /// Reads what the kernel tells; nil when this kernel has no such file, or has it turned off.
    ///
    /// A file that is missing because its controller is not enabled is an error, and says so.
    public borrowing func read<Value>(_ file: StatusFile<Value>) throws(KernelError) -> Value? {
        guard let text = try text(of: file.file, inPieces: Value.comesInPieces) else { return nil }
        guard let value = Value(kernelText: text[...]) else { throw unreadable(file.file, text) }
        return value
    }

    /// The text of a file, with its newline; nil when this kernel has no such file. For files without a constant.
    public borrowing func text(of file: CgroupFile) throws(KernelError) -> String? {
        try checkName(file)
        return try text(of: file, inPieces: true)
    }

    /// Writes a text as it is, in one call. For files without a constant: the kernel reads numbers as C does, and a
    /// lone newline as zero, so text without a word is refused.
    public borrowing func write(text: String, to file: CgroupFile) throws(KernelError) {
        try checkName(file)
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw KernelError(
                "write", file.name, value: text, in: location, errno: .invalidArgument,
                hint: "the kernel would read an empty line as zero")
        }
        try write(text, to: file)
    }

    private borrowing func checkName(_ file: CgroupFile) throws(KernelError) {
        if let hint = nameFault(file.name) {
            throw KernelError("openat2", file.name, in: location, errno: .invalidArgument, hint: hint)
        }
    }

    /// Reads a file that every kernel with this cgroup has.
    borrowing func required<Value>(_ file: StatusFile<Value>) throws(KernelError) -> Value {
        guard let value = try read(file) else {
            throw KernelError(
                "openat2", file.file.name, in: location, errno: .noSuchFileOrDirectory,
                hint: absence(of: file.file))
        }
        return value
    }

    borrowing func write(_ text: String, to file: CgroupFile) throws(KernelError) {
        let opened: Descriptor
        do { opened = try directory.open(file.name, .writing) } catch {
            throw try explained(error.placed(in: location, value: text), file)
                ?? error.placed(in: location, value: text).hinting(absence(of: file))
        }
        do { try opened.writeValue(text, called: file.name, in: location) } catch {
            throw gone(error).hinting(writeHint(error.errno, file))
        }
    }

    /// The content of a file; nil when the kernel does not have it.
    borrowing func text(of file: CgroupFile, inPieces: Bool) throws(KernelError) -> String? {
        let opened: Descriptor
        do { opened = try directory.open(file.name, .reading) } catch {
            if let cause = try explained(error.placed(in: location), file) { throw cause }
            return nil
        }
        do {
            if inPieces { return try opened.readText() }
            // One function of the kernel shows the file whole, so a read that does not fill the buffer has it all.
            var buffer = [UInt8](repeating: 0, count: 4096)
            var count = try opened.readAgain(into: &buffer)
            while count == buffer.count {
                buffer = [UInt8](repeating: 0, count: buffer.count * 4)
                count = try opened.readAgain(into: &buffer)
            }
            return String(decoding: buffer[..<count], as: UTF8.self)
        } catch {
            // Pressure files are there, but cannot be read, when the kernel was started without psi=1.
            if error.errno == .notSupportedOnSocket, file.name.hasSuffix(".pressure") { return nil }
            var error = gone(error)
            error.subject = file.name
            error.place = location
            throw error
        }
    }

    /// Why a file could not be opened: an error with its cause, or nil when the living cgroup, with the controller
    /// enabled, has no such file.
    private borrowing func explained(_ error: KernelError, _ file: CgroupFile) throws(KernelError) -> KernelError? {
        guard error.errno == .noSuchFileOrDirectory || error.errno == .noSuchDevice else {
            return error.hinting(writeHint(error.errno, file))
        }
        let gone = gone(error)
        if gone.meansCgroupIsGone { return gone }
        guard let controller = file.controller, file.name != StatusFile<[Controller]>.controllers.file.name,
            try required(.controllers).contains(controller) == false
        else { return nil }
        return error.hinting(try whyNotEnabled(controller))
    }

    /// Why a controller is not in this cgroup's `cgroup.controllers`.
    borrowing func whyNotEnabled(_ controller: Controller) throws(KernelError) -> String {
        if let parent = try parent(), try parent.required(.controllers).contains(controller) {
            return "the \(controller) controller is not enabled in the parent"
        }
        let host = CgroupHost.probe()
        if let reason = host.unavailability(of: controller.rawValue) {
            return "the \(controller) controller is \(reason)"
        }
        return "the \(controller) controller is not enabled in the ancestors"
    }

    private borrowing func absence(of file: CgroupFile) -> String {
        if isRoot() { return "the root cgroup has no such file" }
        return file.since.map { "it is there since Linux \($0)" } ?? "this kernel has no such file"
    }

    /// Whether it is the root of the whole hierarchy, which alone has no type.
    borrowing func isRoot() -> Bool {
        do {
            _ = try directory.open("cgroup.type", .path)
            return false
        } catch { return error.errno == .noSuchFileOrDirectory }
    }

    private borrowing func unreadable(_ file: CgroupFile, _ text: String) -> KernelError {
        KernelError(
            "read", file.name, value: text.trimmingNewline, in: location, errno: .badMessage,
            hint: "this text is not of the form that is known")
    }
}

/// What the kernel means by refusing a write.
func writeHint(_ errno: Errno, _ file: CgroupFile) -> String? {
    switch (file.name, errno) {
    case ("cgroup.procs", .resourceBusy): "the cgroup gives controllers to its children, so it takes no process"
    case ("cgroup.procs", .invalidArgument): "kernel threads cannot be moved"
    case ("cgroup.procs", .noSuchProcess): "the process has ended"
    case ("cgroup.procs", .notSupportedOnSocket): "the cgroup is under a threaded one and takes no process"
    case ("cgroup.subtree_control", .notSupportedOnSocket): "the cgroup is in a threaded subtree"
    case ("cgroup.kill", .notSupportedOnSocket): "a threaded cgroup cannot be killed by itself, only its domain"
    case (_, .permissionDenied), (_, .notPermitted): "the file belongs to who manages the parent"
    case (_, .readOnlyFileSystem): "the cgroup file system is mounted read-only"
    case (_, .outOfRange): "the value is out of the file's range"
    default: nil
    }
}
