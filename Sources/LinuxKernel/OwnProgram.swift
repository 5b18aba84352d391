// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
package import SystemPackage

/// The program that this process runs: what it was called with, and where its file is.
package enum OwnProgram {
    /// The command line, the program's name first. Empty where it cannot be told: without glibc, and without `/proc`.
    package static var commandLine: [String] {
        let count = bk_argument_count()
        if count == 0 { return CommandLine.arguments }
        var words: [String] = []
        for index in 0..<count { words.append(unsafe String(cString: bk_argument(index))) }
        return words
    }

    /// The absolute path of the program's file, links resolved, with or without `/proc`.
    package static func path() throws(KernelError) -> FilePath {
        var text = [CChar](repeating: 0, count: 4096)
        let length = unsafe text.withUnsafeMutableBufferPointer { buffer -> CInt in
            guard let base = buffer.baseAddress else { return 0 }
            return unsafe bk_program_path(base, buffer.count)
        }
        try valueOrError(length, "readlink", "/proc/self/exe")
        return FilePath(String(decoding: text.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    /// Its file's owner, group and mode; nil without `/proc`.
    package static let file = try? Descriptor.open("/proc/self/exe", .path).inodeStatus()

    /// Runs another program in this process, with this one's arguments and environment (`execve`); returns only the
    /// error.
    package static func become(_ program: FilePath) -> KernelError {
        let result = unsafe bk_execute_instead(program.string)
        return KernelError("execve", program.string, errno: Errno(rawValue: -result))
    }
}
