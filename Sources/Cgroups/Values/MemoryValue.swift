// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel

/// The value of the files of bytes: `memory.min`, `memory.max`.
///
/// It prints the one text that every kernel reads alike: `max` or decimal digits. The kernel would also take
/// `0100000` (as octal: 32768), `0x10`, `1G`, a lone newline (as zero) and numbers over 64 bits (wrapped round, up to
/// 6.12); none of them can be written with this type.
extension ByteCount: InterfaceValue {
    /// Reads the whole file: `max`, or decimal digits.
    public init?(kernelText text: Substring) { self.init(kernelBytes: text.utf8.span) }

    /// Reads the whole file: `max`, or decimal digits.
    public init?(kernelBytes bytes: Span<UInt8>) {
        var place = 0
        if skip("max", bytes, &place), place == bytes.count || place + 1 == bytes.count && bytes[place] == newline {
            self = .max
            return
        }
        guard let number = wholeDecimal(bytes) else { return nil }
        self.init(number)
        if self >= Self.pageCounterMaximum { self = .max }
    }

    /// `max`, or decimal digits.
    public var kernelText: String { description }
    /// In words.
    public static var form: String { "bytes in decimal digits, or max" }

    /// The kernel keeps whole pages and rounds down, so that 4095 would become zero, which kills: less than a page is
    /// refused. Zero is zero.
    public var refusal: String? {
        guard bytes > 0, bytes < ProcessCall.pageSize else { return nil }
        return "this is less than one page of \(ProcessCall.pageSize) bytes, and the kernel would round it down to 0"
    }

    /// The files of huge pages round down to whole ones of their size.
    public func refusal(in file: CgroupFile) -> String? {
        guard let size = HugePageSize(inFileName: file.name) else { return refusal }
        guard bytes > 0, bytes < size.bytes else { return nil }
        return "this is less than one huge page of \(size.bytes) bytes, and the kernel would round it down to 0"
    }

    /// What the kernel counts as no limit (`PAGE_COUNTER_MAX` pages, here of the largest size in use, 64 KiB): some of
    /// its paths print that as a number instead of `max`.
    private static let pageCounterMaximum = ByteCount(UInt64(Int64.max) / 65536 * 65536)
}
