// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [
        ("0", 0), ("1", 1), ("+1", 1), ("-1", -1), ("1024", 1024), ("1Ki", 1024), ("512Mi", 536_870_912),
        ("1G", 1_000_000_000), ("0.5Gi", 536_870_912), (".5Ki", 512), ("5.", 5), ("1e3", 1000), ("1E3", 1000),
        ("1e+3", 1000), ("1500e-3", 2), ("100m", 1), ("-100m", -1), ("1n", 1), ("1.5", 2),
        ("2E", 2_000_000_000_000_000_000),
        ("3k", 3000), ("1.1Ki", 1127), ("0e999999999", 0), ("1e-999999999", 1),
        ("0.000000000000000000000000000000000000000000000000001Ki", 1),
        ("00000000000000000000000000000000000000012", 12),
    ])
    func `A quantity is read exactly and rounded up to whole units`(text: String, value: Int64) throws {
        #expect(try Quantity(parsing: text).value == value)
    }

    @Test(arguments: [
        "9223372036854775807", "9223372036854775808", "1e19", "8Ei", "100E", "123456789012345678901234567890Ei",
        "1e999",
    ])
    func `A quantity stops at 2^63 - 1`(text: String) throws {
        #expect(try Quantity(parsing: text) == Quantity(.max))
        #expect(try Quantity(parsing: "-" + text) == Quantity(-.max))
    }

    @Test(arguments: [
        ("100m", 100), ("0.1", 100), ("1", 1000), ("1500u", 2), ("1n", 1), ("2.0005", 2001),
        ("9223372036854775807", .max),
    ])
    func `Millicpus are rounded up`(text: String, milli: Int64) throws {
        #expect(try Quantity(parsing: text).milliValue == milli)
    }

    @Test func `Digits past the thirtieth still round up`() throws {
        // 0.999…9 (31 digits) of an exbibyte: exact to the last digit before rounding.
        let nines = try Quantity(parsing: "0." + String(repeating: "9", count: 31) + "Ei")
        #expect(nines.nanos == Int128(1 << 60) * 1_000_000_000)
        let exact = try Quantity(parsing: "0.123456789012345678901234567890Ei")
        // 123456789012345678901234567890 * 2^60 / 10^21, rounded up.
        #expect(exact.nanos == 142_335_986_942_043_633_765_524_428)
    }

    @Test(arguments: [
        ("", QuantityError.noNumber("")), ("Mi", .noNumber("Mi")), (".", .noNumber(".")), ("-", .noNumber("-")),
        ("12Q", .unexpectedCharacter("12Q", character: "Q")), ("1 Gi", .unexpectedCharacter("1 Gi", character: " ")),
        ("1.2.3", .unexpectedCharacter("1.2.3", character: ".")), ("1mi", .unknownSuffix("1mi", suffix: "mi")),
        ("1e", .unknownSuffix("1e", suffix: "e")), ("1K", .unknownSuffix("1K", suffix: "K")),
        ("1e3Mi", .unknownSuffix("1e3Mi", suffix: "e3Mi")), ("--1", .noNumber("--1")), (" 1", .noNumber(" 1")),
        ("1e99999999999999999999", .unknownSuffix("1e99999999999999999999", suffix: "e99999999999999999999")),
        ("١", .noNumber("١")),
    ])
    func `A text that is no quantity is refused with its cause`(text: String, error: QuantityError) {
        #expect(throws: error) { try Quantity(parsing: text) }
        #expect(error.description.contains("'\(text)'"))
    }

    @Test func `A quantity prints with the coarsest suffix that is exact`() throws {
        #expect(Quantity(milli: 1500).description == "1500m")
        #expect(Quantity(7).description == "7")
        #expect(try Quantity(parsing: "10u").description == "10u")
        #expect(try Quantity(parsing: "-1n").description == "-1n")
    }

    @Test func `Sums stop at the ends`() {
        #expect(Quantity(.max) + Quantity(.max) == Quantity(.max))
        #expect(Quantity(-.max) + Quantity(-.max) == Quantity(-.max))
    }
}

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("4096", 4096), ("512Mi", 536_870_912), ("1G", 1_000_000_000), ("100m", 1), ("0", 0),
        ("max", UInt64.max),
    ])
    func `A byte count is read from a quantity or the kernel's max`(text: String, bytes: UInt64) throws {
        #expect(try ByteCount(parsing: text).bytes == bytes)
    }

    @Test func `Bytes below zero are refused`() {
        #expect(throws: QuantityError.negative("-1Mi")) { try ByteCount(parsing: "-1Mi") }
        #expect(throws: QuantityError.negative("-1")) { try ByteCount(Quantity(-1)) }
    }

    @Test func `Arithmetic stops at zero and at no limit`() {
        #expect(ByteCount.max + ByteCount(1) == .max)
        #expect(ByteCount(UInt64.max - 1) + ByteCount(5) == .max)
        #expect(ByteCount(1) - ByteCount(2) == .zero)
        #expect(ByteCount.max - ByteCount(2) == .max)
        #expect(ByteCount.tebibytes(.max) == .max)
        #expect([ByteCount.mebibytes(1), .kibibytes(1)].total() == ByteCount(1_049_600))
    }

    @Test func `A byte count prints as the kernel writes it`() {
        #expect(ByteCount.mebibytes(1).description == "1048576")
        #expect(ByteCount.max.description == "max")
    }
}
