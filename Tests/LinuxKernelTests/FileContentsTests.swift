// SPDX-License-Identifier: Apache-2.0

import LinuxKernel
import SystemPackage
import Testing

@Suite("Writing to files of the kernel")
struct FileContentsTests {
    @Test("A value that is taken in part is an error, and the rest is not written") func shortWrite() throws {
        let pipe = try Pipe()
        // A second opening of the pipe, which does not wait: with a page left, two pages go in by half.
        let end = try Descriptor.open(FilePath(pipe.writing.path), [.writing, .nonBlocking])
        try end.write([UInt8](repeating: 0x2e, count: 65_536 - 4096))
        let error = #expect(throws: KernelError.self) {
            try end.writeValue(String(repeating: "7", count: 8192), called: "memory.max", in: "/pod")
        }
        #expect(error?.errno == .ioError)
        #expect(error?.hint == "the kernel took 4096 of 8192 bytes")
        #expect(error?.subject == "memory.max")
        #expect(error?.place == "/pod")
        let full = #expect(throws: KernelError.self) { try end.writeValue("1", called: "memory.max", in: "/pod") }
        #expect(full?.errno == .resourceTemporarilyUnavailable)
    }
}

extension Descriptor {
    /// Its name below `/proc`, by which it can be opened again.
    fileprivate var path: String { "/proc/self/fd/\(number)" }
}
