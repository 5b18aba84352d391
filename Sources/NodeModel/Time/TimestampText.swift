// SPDX-License-Identifier: Apache-2.0

// The Kubernetes API writes times in RFC 3339, in UTC and in whole seconds (metav1.Time); metav1.MicroTime has a fraction.

extension Timestamp: CustomStringConvertible {
    /// `2026-04-01T12:00:00Z`; with a fraction where there is one.
    public var description: String {
        let (seconds, attoseconds) = sinceEpoch.components
        // Rounded down, so that an instant before 1970 has a fraction above zero, too.
        let whole = attoseconds < 0 ? seconds - 1 : seconds
        let nanos = (attoseconds < 0 ? attoseconds + 1_000_000_000_000_000_000 : attoseconds) / 1_000_000_000
        let day = whole / 86_400 - (whole % 86_400 < 0 ? 1 : 0)
        let second = whole - day * 86_400
        let date = CivilDate(daysSinceEpoch: day)
        var text = "\(padded(date.year, 4))-\(padded(date.month))-\(padded(date.day))T"
        text += "\(padded(second / 3600)):\(padded(second / 60 % 60)):\(padded(second % 60))"
        if nanos > 0 {
            var digits = padded(nanos, 9)
            while digits.hasSuffix("0") { digits.removeLast() }
            text += "." + digits
        }
        return text + "Z"
    }

    /// Reads a time of RFC 3339: `2026-04-01T12:00:00Z`, `2026-04-01T14:00:00.5+02:00`.
    /// - Parameter text: the time.
    /// - Throws: ``TimestampError`` when it is none.
    public init(parsing text: String) throws(TimestampError) {
        guard let time = Self(rfc3339: text) else { throw TimestampError(text: text) }
        self = time
    }

    private init?(rfc3339 text: String) {
        var reader = DigitReader(rest: text.utf8[...])
        guard let year = reader.number(digits: 4), reader.skip("-"), let month = reader.number(digits: 2),
            reader.skip("-"), let day = reader.number(digits: 2), reader.skip("T") || reader.skip("t"),
            let hour = reader.number(digits: 2), reader.skip(":"), let minute = reader.number(digits: 2),
            reader.skip(":"), let second = reader.number(digits: 2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var nanos: Int64 = 0
        if reader.skip(".") {
            guard let fraction = reader.fraction() else { return nil }
            nanos = fraction
        }
        var offset: Int64 = 0
        if !reader.skip("Z"), !reader.skip("z") {
            let isWest = reader.skip("-")
            guard isWest || reader.skip("+"), let hours = reader.number(digits: 2), hours < 24, reader.skip(":"),
                let minutes = reader.number(digits: 2), minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (isWest ? -60 : 60)
        }
        let date = CivilDate(year: year, month: month, day: day)
        guard reader.rest.isEmpty, CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(sinceEpoch: .seconds(seconds) + .nanoseconds(nanos))
    }
}

/// A text that is no time of RFC 3339.
public struct TimestampError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text.
    public let text: String

    /// The text, and what one looks like.
    public var description: String { "'\(text)' is not a time such as 2026-04-01T12:00:00Z" }
}

private func padded(_ number: Int64, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

private struct DigitReader {
    var rest: Substring.UTF8View

    mutating func number(digits count: Int) -> Int64? {
        guard rest.count >= count, rest.prefix(count).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Int64(Substring(rest.prefix(count)))
    }

    /// At least one digit; what is finer than a nanosecond is dropped.
    mutating func fraction() -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return Int64(String(Substring(digits.prefix(9))) + String(repeating: "0", count: max(0, 9 - digits.count)))
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }
}

/// A day of the Gregorian calendar. The year is counted from March, so that the leap day is its last.
private struct CivilDate: Equatable {
    var year, month, day: Int64

    private static let daysOfCycle: Int64 = 146_097  // 400 years

    var daysSinceEpoch: Int64 {
        let year = month <= 2 ? year - 1 : year
        let cycle = (year >= 0 ? year : year - 399) / 400
        let yearOfCycle = year - cycle * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
        return cycle * Self.daysOfCycle + dayOfCycle - 719_468
    }
}

extension CivilDate {
    fileprivate init(daysSinceEpoch: Int64) {
        let days = daysSinceEpoch + 719_468
        let cycle = (days >= 0 ? days : days - Self.daysOfCycle + 1) / Self.daysOfCycle
        let dayOfCycle = days - cycle * Self.daysOfCycle
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let month = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * month + 2) / 5 + 1
        self.month = month < 10 ? month + 3 : month - 9
        year = yearOfCycle + cycle * 400 + (self.month <= 2 ? 1 : 0)
    }
}
