// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel

/// Descriptors that are closed together: what an array of `Descriptor` would be, if arrays could hold owners.
///
/// Opened one after the other, their numbers follow one another, and one `close_range` (since Linux 5.9) closes all.
package struct DescriptorList: ~Copyable, Sendable {
    private(set) var numbers: [CInt] = []

    package init() {}

    /// How many there are.
    package var count: Int { numbers.count }

    /// The number of one, for `poll`. Valid as long as the list.
    package func number(_ index: Int) -> CInt { numbers[index] }

    /// Takes a descriptor and tells its number, which stays valid as long as the list.
    package mutating func append(_ descriptor: consuming Descriptor) -> CInt {
        let number = descriptor.release()
        numbers.append(number)
        return number
    }

    /// One `pread` of a descriptor's file from its start into a part of a buffer. The call is the caller's to name:
    /// the result is the number of bytes, or -errno.
    package borrowing func read(_ index: Int, into buffer: inout [UInt8], _ part: Range<Int>) -> Int {
        let number = numbers[index]
        precondition(part.lowerBound >= 0 && part.upperBound <= buffer.count, "a read outside of its buffer")
        return Int(
            uninterrupted {
                unsafe buffer.withUnsafeMutableBytes { bytes -> Int64 in
                    guard let base = bytes.baseAddress else { return 0 }
                    return unsafe bk_pread(number, base + part.lowerBound, part.count, 0)
                }
            })
    }

    /// Gives back the locks on a range of bytes of all files (``Descriptor/unlock(from:length:)``).
    package borrowing func unlock(from start: Int64, length: Int64) {
        for number in numbers { _ = bk_unlock_range(number, start, length) }
    }

    /// One `write` of a text; the number of bytes taken, or -errno.
    package borrowing func write(_ text: String, to index: Int) -> Int {
        let number = numbers[index]
        var text = text
        return text.withUTF8 { bytes in
            let bytes = unsafe bytes
            return Int(
                uninterrupted {
                    guard let base = bytes.baseAddress else { return Int64(0) }
                    return unsafe bk_write(number, base, bytes.count)
                })
        }
    }

    deinit {
        unsafe numbers.withUnsafeBufferPointer { buffer in
            if let first = buffer.baseAddress { unsafe bk_close_all(first, buffer.count) }
        }
    }
}
