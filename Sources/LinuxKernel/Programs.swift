// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
package import SystemPackage

/// A small program that is run to its end for what it prints, such as `newuidmap`: no isolation, no input.
package struct ProgramRun: Hashable, Sendable {
    /// How it ended; nil when somebody else in this process waited for it (`waitpid(-1)`, an ignored SIGCHLD).
    package var status: ExitStatus?
    package var output: String
    package var error: String

    /// Runs a program and waits for it. The caller's memory is not copied. What it prints beyond 64 KiB is thrown away.
    package init(_ path: FilePath, arguments: [String], environment: [String]) throws(KernelError) {
        let output = try Pipe()
        let error = try Pipe()
        var number: CInt = -1
        let result = unsafe Self.withPointers([path.string] + arguments) { arguments in
            unsafe Self.withPointers(environment) { environment in
                unsafe bk_start_program(
                    path.string, arguments, environment, output.writing.number, error.writing.number, &number)
            }
        }
        try valueOrError(result, "execve", path.string)
        let process = Descriptor(owning: number)
        let streams = [output.intoReading(), error.intoReading()] as InlineArray<2, Descriptor>
        var texts: [[UInt8]] = [[], []]
        var isOpen = [true, true]
        var chunk = [UInt8](repeating: 0, count: 4096)
        while isOpen.contains(true) {
            let ready = try poll([isOpen[0] ? streams[0].number : -1, isOpen[1] ? streams[1].number : -1])
            for stream in 0..<2 where isOpen[stream] && !ready[stream].isEmpty {
                let count = try streams[stream].read(into: &chunk)
                if count == 0 { isOpen[stream] = false }
                if texts[stream].count < 65536 { texts[stream] += chunk[..<count] }
            }
        }
        do { status = try ProcessCall.wait(for: process, blocking: true)?.status } catch {
            guard error.errno == .noChildProcess else { throw error }
            // Its end was somebody else's to see; that it has ended can still be known.
            _ = try poll([process.number])
            status = nil
        }
        self.output = String(decoding: texts[0], as: UTF8.self)
        self.error = String(decoding: texts[1], as: UTF8.self)
    }

    /// C strings with a null pointer behind them, as `execve` takes them.
    private static func withPointers<Result>(
        _ words: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var bytes: [CChar] = []
        var starts: [Int] = []
        for word in words {
            starts.append(bytes.count)
            bytes += word.utf8.map(CChar.init(bitPattern:)) + [0]
        }
        return unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            var pointers = unsafe starts.map { start in unsafe bytes.baseAddress.map { unsafe $0 + start } }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { pointers in
                guard let first = pointers.baseAddress else { preconditionFailure("an array that is not empty") }
                return unsafe body(first)
            }
        }
    }
}

/// The first executable file of a name in the folders of a `PATH`.
package func programInPath(_ name: String, path: String) -> FilePath? {
    for folder in path.split(separator: ":") where folder.hasPrefix("/") {
        let candidate = FilePath(String(folder)).appending(name)
        guard let file = try? Descriptor.open(candidate, .path), let status = try? file.status(),
            status.isRegular, status.mode & 0o111 != 0
        else { continue }
        return candidate
    }
    return nil
}
