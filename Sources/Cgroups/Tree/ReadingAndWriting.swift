// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension Cgroup {
    /// Writes a value, in one call as the kernel demands.
    ///
    /// Success means that the kernel took the value, not that the goal is reached: a `memory.max` under the current
    /// use reclaims, kills and reports success either way. Read back what matters.
    public borrowing func write<Value>(_ value: Value, to file: InterfaceFile<Value>) throws(KernelError) {
        try write(checked: value, to: file.file)
    }

    /// Writes the values of one device or resource; those of others stay as they are.
    public borrowing func write<Line>(_ line: Line, to file: LineFile<Line>) throws(KernelError) {
        try write(checked: line, to: file.file)
    }

    /// Writes to a file that is only written.
    public borrowing func write<Command>(_ command: Command, to file: CommandFile<Command>) throws(KernelError) {
        try write(checked: command, to: file.file)
    }

    borrowing func write(
        checked value: some InterfaceValue, to file: CgroupFile, _ flags: OpenFlags = .writing
    ) throws(KernelError) {
        let text = value.kernelText
        if let hint = value.refusal(in: file) {
            throw KernelError("write", file.name, value: text, in: location, errno: .invalidArgument, hint: hint)
        }
        try write(text, to: file, flags)
    }

    /// Reads a value; nil when this kernel has no such file (or, on the root, no cgroup limit there).
    ///
    /// A file that is missing because its controller is not enabled is an error, and says so.
    public borrowing func read<Value>(_ file: InterfaceFile<Value>) throws(KernelError) -> Value? {
        try value(of: file.file)
    }

    /// Reads what the kernel tells; nil when this kernel has no such file, or has it turned off.
    ///
    /// A file that is missing because its controller is not enabled is an error, and says so.
    public borrowing func read<Value>(_ file: StatusFile<Value>) throws(KernelError) -> Value? {
        try value(of: file.file)
    }

    /// Reads the lines of all devices or resources; nil when this kernel has no such file.
    ///
    /// A file that is missing because its controller is not enabled is an error, and says so.
    public borrowing func read<Line>(_ file: LineFile<Line>) throws(KernelError) -> KernelLines<Line>? {
        try value(of: file.file)
    }

    private borrowing func value<Value: StatusValue>(of file: CgroupFile) throws(KernelError) -> Value? {
        guard let bytes = try bytes(of: file, inPieces: Value.comesInPieces) else { return nil }
        guard let value = Value(kernelBytes: bytes.span) else { throw unreadable(file, bytes) }
        return value
    }

    /// The text of a file, with its newline; nil when this kernel has no such file. For files without a constant.
    public borrowing func text(of file: CgroupFile) throws(KernelError) -> String? {
        try checkName(file)
        return try text(of: file, inPieces: true)
    }

    /// Writes a text as it is, in one call; `CgroupFile.check(text:)` tells before what is wrong with it. The kernel
    /// reads numbers as C does, and a lone newline as zero, so text without a word is refused but for `cpuset.cpus` and
    /// its like.
    public borrowing func write(text: String, to file: CgroupFile) throws(KernelError) {
        try checkName(file)
        if text.contains(where: { !$0.isWhitespace }) { return try write(text, to: file) }
        // An empty list of processors has a meaning; it is written as a newline, since a write of nothing is none.
        guard file.command is IndexList.Type else {
            throw KernelError(
                "write", file.name, value: text, in: location, errno: .invalidArgument,
                hint: "the kernel would read an empty line as zero")
        }
        try write("\n", to: file)
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

    borrowing func write(
        _ text: String, to file: CgroupFile, _ flags: OpenFlags = .writing
    ) throws(KernelError) {
        let opened: Descriptor
        do { opened = try directory.open(file.name, flags) } catch {
            throw try explained(error.placed(in: location, value: text), file)
                ?? error.placed(in: location, value: text).hinting(absence(of: file))
        }
        do {
            // A signal ends a reclaim half way; begun again it would take twice as much.
            try opened.writeValue(text, called: file.name, in: location, again: file.name != "memory.reclaim")
        } catch {
            // The files of devices say ENODEV of a device that is not there, too.
            let ofDevice = file.namesDevices && error.errno == .noSuchDevice && !isGone()
            let error = ofDevice ? error : gone(error)
            throw error.meansCgroupIsGone ? error : error.hinting(writeHint(error.errno, file))
        }
    }

    /// The content of a file; nil when the kernel does not have it.
    borrowing func text(of file: CgroupFile, inPieces: Bool) throws(KernelError) -> String? {
        try bytes(of: file, inPieces: inPieces).map { String(decoding: $0, as: UTF8.self) }
    }

    private borrowing func bytes(of file: CgroupFile, inPieces: Bool) throws(KernelError) -> [UInt8]? {
        let opened: Descriptor
        do { opened = try directory.open(file.name, .reading) } catch {
            if let cause = try explained(error.placed(in: location), file, reading: true) { throw cause }
            return nil
        }
        do {
            if inPieces { return try opened.readBytes() }
            // One function of the kernel shows the file whole, so a read that does not fill the buffer has it all.
            var buffer = [UInt8](repeating: 0, count: 4096)
            var count = try opened.readAgain(into: &buffer)
            while count == buffer.count {
                buffer = [UInt8](repeating: 0, count: buffer.count * 4)
                count = try opened.readAgain(into: &buffer)
            }
            buffer.removeSubrange(count...)
            return buffer
        } catch {
            // Pressure files are there, but cannot be read, when the kernel was started without psi=1.
            if error.errno == .notSupportedOnSocket, file.isPressure { return nil }
            var error = gone(error)
            error.subject = file.name
            error.place = location
            throw error.meansCgroupIsGone ? error : error.hinting(readHint(error.errno, file))
        }
    }

    /// Why a file could not be opened: an error with its cause, or nil when the living cgroup, with the controller
    /// enabled, has no such file.
    private borrowing func explained(
        _ error: KernelError, _ file: CgroupFile, reading: Bool = false
    ) throws(KernelError) -> KernelError? {
        guard error.errno == .noSuchFileOrDirectory || error.errno == .noSuchDevice else {
            return error.hinting(reading ? readHint(error.errno, file) : writeHint(error.errno, file))
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

    /// Why this cgroup, which lives and has the controller, has no such file: since when there is one, and where.
    public borrowing func absence(of file: CgroupFile) -> String {
        let isRoot = isRoot()
        if isRoot && file.presence != .everywhere && file.presence != .onlyOnRoot {
            return "the root cgroup has no such file"
        }
        if !isRoot && file.presence == .onlyOnRoot { return "only the root cgroup has this file" }
        guard let since = file.since else { return "this kernel has no such file" }
        let numbers = since.split(separator: ".").compactMap { Int($0) }
        guard numbers.count == 2, let running = try? KernelVersion.running(),
            running >= KernelVersion(numbers[0], numbers[1])
        else { return "it is there since Linux \(since)" }
        if file.isPressure { return "cgroup.pressure is 0 here, or the kernel was built without this measure" }
        return "it is there since Linux \(since), but this kernel was built without it"
    }

    /// Whether it is the root of the whole hierarchy, which alone has no type.
    borrowing func isRoot() -> Bool {
        do {
            _ = try directory.open("cgroup.type", .path)
            return false
        } catch { return error.errno == .noSuchFileOrDirectory }
    }

    private borrowing func unreadable(_ file: CgroupFile, _ bytes: [UInt8]) -> KernelError {
        KernelError(
            "read", file.name, value: String(decoding: bytes, as: UTF8.self).trimmingNewline, in: location,
            errno: .badMessage, hint: "this text is not of the form that is known")
    }
}
