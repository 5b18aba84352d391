// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// A program and its arguments, ready for `posix_spawn`: what a peer is started with, and the floor of every start.
///
/// Everything is laid out beforehand, so that starting it is the system's work alone.
@safe final class BenchProgram {
    let name: String
    private let path: UnsafeMutablePointer<CChar>
    private let arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int
    private let null: BenchHeldDescriptor

    /// - Parameter path: the file to execute.
    init(_ path: String, _ arguments: [String], called name: String) throws(KernelError) {
        self.name = name
        null = BenchHeldDescriptor(try Descriptor.open("/dev/null", .readingAndWriting))
        count = arguments.count
        unsafe self.path = Self.copy(path)
        unsafe self.arguments = Self.list([name] + arguments)
        let path = BenchPath.search
        unsafe environment = Self.list(["PATH=\(path)", "LC_ALL=C"])
    }

    deinit {
        unsafe path.deallocate()
        for index in 0...count { unsafe arguments[index]?.deallocate() }
        unsafe arguments.deallocate()
        for index in 0..<2 { unsafe environment[index]?.deallocate() }
        unsafe environment.deallocate()
    }

    private static func copy(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { unsafe (copy + index).initialize(to: byte) }
        return unsafe copy
    }

    private static func list(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { unsafe (list + index).initialize(to: copy(text)) }
        unsafe (list + texts.count).initialize(to: nil)
        return unsafe list
    }

    /// Starts the program, its streams on `/dev/null` and no signal blocked, and waits for its end; throws unless it
    /// exits with 0.
    func run() throws {
        let status = try waited(for: try spawn(errorsTo: null.descriptor.number))
        guard status == 0 else { throw ToolFailure(.failed, "\(name) \(Self.words(status))") }
    }

    /// The same, with what the program says on standard error in the error that is thrown.
    func runTalking() throws {
        let pipe = try Pipe()
        let pid = try spawn(errorsTo: pipe.writing.number)
        let said = try pipe.intoReading().readText()
        let status = try waited(for: pid)
        guard status == 0 else {
            let lines = said.split(separator: "\n").suffix(2).joined(separator: "; ")
            throw ToolFailure(.failed, "\(name) \(Self.words(status))" + (lines.isEmpty ? "" : ": \(lines)"))
        }
    }

    /// The same: the first line of what the program says on standard output.
    func firstLine() throws -> String {
        let pipe = try Pipe()
        let pid = try spawn(errorsTo: null.descriptor.number, outputTo: pipe.writing.number)
        let said = try pipe.intoReading().readText()
        let status = try waited(for: pid)
        guard status == 0 else { throw ToolFailure(.failed, "\(name) \(Self.words(status))") }
        return String(said.prefix { $0 != "\n" })
    }

    /// Starts it and leaves the waiting to the caller: its process id.
    func spawn() throws -> Int32 { try spawn(errorsTo: null.descriptor.number) }

    private func spawn(errorsTo errors: CInt, outputTo output: CInt? = nil) throws -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let number = null.descriptor.number
        unsafe posix_spawn_file_actions_adddup2(&actions, number, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output ?? number, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let result = unsafe posix_spawn(&pid, path, &actions, &attributes, arguments, environment)
        guard result == 0 else { throw KernelError("posix_spawn", name, errno: Errno(rawValue: result)) }
        return pid
    }

    /// Waits for a process that was started with `spawn`: its status as `waitpid` gives it.
    func waited(for pid: Int32) throws -> Int32 {
        var status: CInt = 0
        guard unsafe waitpid(pid, &status, 0) == pid else {
            throw KernelError("waitpid", name, errno: .noChildProcess)
        }
        return status
    }

    private static func words(_ status: Int32) -> String {
        status & 0x7f == 0 ? "exited with code \(status >> 8 & 0xff)" : "was killed by signal \(status & 0x7f)"
    }

    /// The path of a program in `PATH`, or nil.
    static func find(_ name: String) -> String? {
        for folder in BenchPath.search.split(separator: ":") {
            let path = "\(folder)/\(name)"
            if unsafe access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// A program in `PATH` with arguments; nil where there is none.
    static func find(_ name: String, _ arguments: [String]) throws(KernelError) -> BenchProgram? {
        guard let path = find(name) else { return nil }
        return try BenchProgram(path, arguments, called: name)
    }
}

private enum BenchPath {
    /// Where programs are looked for: with the folders of an administrator, which an ordinary PATH may lack.
    static var search: String {
        (environment("PATH") ?? "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
    }
}
