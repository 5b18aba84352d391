// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

extension Descriptor {
    /// The value of an extended attribute as UTF-8; nil when there is none (`fgetxattr`).
    public borrowing func attribute(_ attribute: String) throws(KernelError) -> String? {
        try attributeBytes(attribute).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value of an extended attribute; nil when there is none (`fgetxattr`).
    public borrowing func attributeBytes(_ attribute: String) throws(KernelError) -> [UInt8]? {
        let number = self.number
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            let size = uninterrupted {
                unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
                    unsafe bk_fgetxattr(number, attribute, bytes.baseAddress, bytes.count)
                }
            }
            if size == -Int64(Errno.noData.rawValue) { return nil }
            // It may grow between a question for its size and the next; 64 KiB is the most it can be.
            if size == -Int64(Errno.outOfRange.rawValue), buffer.count < 65536 {
                buffer = [UInt8](repeating: 0, count: 65536)
                continue
            }
            let count = Int(try valueOrError(size, "fgetxattr", attribute, in: name))
            return Array(buffer[..<count])
        }
    }

    /// Sets an extended attribute, whole (`fsetxattr`).
    public borrowing func setAttribute(_ attribute: String, to value: String) throws(KernelError) {
        try setAttribute(attribute, to: Array(value.utf8))
    }

    /// Sets an extended attribute to bytes, whole (`fsetxattr`).
    public borrowing func setAttribute(_ attribute: String, to value: [UInt8]) throws(KernelError) {
        let number = self.number
        let result = uninterrupted {
            unsafe value.withUnsafeBytes { bytes -> CInt in
                guard let base = bytes.baseAddress else { return unsafe bk_fsetxattr(number, attribute, attribute, 0) }
                return unsafe bk_fsetxattr(number, attribute, base, bytes.count)
            }
        }
        try valueOrError(result, "fsetxattr", attribute, in: name)
    }

    /// Removes an extended attribute; one that is not there is no error (`fremovexattr`).
    public borrowing func removeAttribute(_ attribute: String) throws(KernelError) {
        let result = unsafe bk_fremovexattr(number, attribute)
        if result == -Errno.noData.rawValue { return }
        try valueOrError(result, "fremovexattr", attribute, in: name)
    }
}

extension Errno {
    /// ENODATA: the file has no such attribute.
    static let noData = Errno(rawValue: 61)
}
