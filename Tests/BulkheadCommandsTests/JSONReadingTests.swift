// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ToolOutput

@Suite struct JSONReadingTests {
    @Test(arguments: [
        ("null", JSON.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .number("0")),
        ("-1.5e-05", .number("-1.5e-05")), (#""a""#, .string("a")), ("[]", .array([])), ("{}", .object([])),
        (#"[1, "b", null]"#, .array([.number("1"), .string("b"), .null])),
        (
            #"{"a": {"b": [1]}, "a": 2}"#,
            .object([
                JSON.Member("a", .object([JSON.Member("b", .array([.number("1")]))])), JSON.Member("a", .number("2")),
            ])
        ),
        (#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00µ""#, .string("\"\\/\u{8}\u{c}\n\r\té😀µ")),
    ])
    func `A document is read as it is`(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
        #expect(try JSON(parsing: value.description) == value)
        #expect(try JSON(parsing: value.compact) == value)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "1 2", "[1,]", "[1", "{\"a\"}", "{\"a\":}", "{a: 1}", "{\"a\": 1,}", "\"a", "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud83d\"", "\"\\ude00\"", "\"a\nb\"", "+1", "1.", ".5", "--1", "0x1", "NaN", "[1 2]", "]",
        String(repeating: "[", count: 100_000),
    ])
    func `What is no document is refused, and where`(text: String) throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error.offset <= text.utf8.count)
        #expect(error.description.contains("byte"))
    }
}
