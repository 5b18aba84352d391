// SPDX-License-Identifier: Apache-2.0

// Values that only a kubelet's configuration has.

extension Field {
    /// A duration as Go writes it (`100ms`, `1.5s`), in whole microseconds from a millisecond to a second: what the
    /// kernel takes for `cpu.max`.
    func cpuPeriod() throws(ManifestError) -> UInt64 {
        let text = try string()
        var rest = text[...]
        var microseconds = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isWholeNumber || $0 == "." }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let number = Double(digits), let scale = Self.microseconds[String(unit)] else {
                throw error("'\(text)' is not a duration such as 100ms")
            }
            microseconds += number * scale
            rest = rest.dropFirst(digits.count + unit.count)
        }
        guard microseconds >= 1000, microseconds <= 1_000_000 else {
            throw error("'\(text)' is not between 1ms and 1s")
        }
        return UInt64(microseconds)
    }

    private static let microseconds = [
        "ns": 0.001, "us": 1, "µs": 1, "ms": 1000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000,
    ]

    /// `50%`.
    func percent() throws(ManifestError) -> UInt8 {
        let text = try string()
        guard text.hasSuffix("%"), let percent = UInt8(text.dropLast()), percent <= 100 else {
            throw error("'\(text)' is not a share from 0% to 100%")
        }
        return percent
    }
}
