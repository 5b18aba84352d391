// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-04-01T12:00:00Z", 1_775_044_800), ("2000-02-29T23:59:59Z", 951_868_799),
            ("1969-12-31T23:59:59Z", -1), ("1900-03-01T00:00:00Z", -2_203_891_200),
            ("2400-02-29T00:00:00Z", 13_574_563_200),
        ] as [(String, Int64)])
    func `A time is read and printed`(text: String, seconds: Int64) throws {
        #expect(Timestamp(seconds: seconds).description == text)
        #expect(try Timestamp(parsing: text) == Timestamp(seconds: seconds))
    }

    @Test func `Offsets and fractions are read, and printed in UTC`() throws {
        #expect(try Timestamp(parsing: "2026-04-01T14:00:00.25+02:00").description == "2026-04-01T12:00:00.25Z")
        #expect(try Timestamp(parsing: "2026-04-01T07:30:00-04:30").description == "2026-04-01T12:00:00Z")
        #expect((Timestamp(seconds: 0) - .milliseconds(1)).description == "1969-12-31T23:59:59.999Z")
    }

    @Test(arguments: [
        "", "2026-04-01", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-04-01T24:00:00Z",
        "2026-04-01T12:00:00", "2026-04-01T12:00:00.Z", "2026-04-01T12:00:00ZZ", "2026-04-01 12:00:00Z",
        "+026-04-01T12:00:00Z",
    ])
    func `What is no time is refused`(text: String) {
        #expect(throws: TimestampError.self) { try Timestamp(parsing: text) }
    }

    @Test func `Every day of eight hundred years is read as it is printed`() throws {
        for day in stride(from: Int64(-150_000), to: 150_000, by: 53) {
            let time = Timestamp(seconds: day * 86_400)
            #expect(try Timestamp(parsing: time.description) == time)
        }
    }
}
