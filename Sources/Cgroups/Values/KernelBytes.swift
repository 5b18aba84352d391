// SPDX-License-Identifier: Apache-2.0

// The kernel's texts are ASCII; these read them byte by byte, since a Character costs more than the file's read.

let newline = UInt8(ascii: "\n")
let space = UInt8(ascii: " ")

/// Decimal digits from a place on, which then is behind them; nil where there is none, or the number does not fit.
///
/// No sign, no blank and no zero in front: `UInt64("+1")` and `UInt64("010")` are numbers to Swift and no texts of the
/// kernel, which reads the second as eight.
func decimal(_ bytes: Span<UInt8>, _ place: inout Int) -> UInt64? {
    let start = place
    guard let number = digits(bytes, &place) else { return nil }
    return place > start + 1 && bytes[start] == UInt8(ascii: "0") ? nil : number
}

/// Digits, zeros in front among them.
private func digits(_ bytes: Span<UInt8>, _ place: inout Int) -> UInt64? {
    let start = place
    var number: UInt64 = 0
    while place < bytes.count {
        let digit = bytes[place] &- UInt8(ascii: "0")
        if digit > 9 { break }
        let (product, over) = number.multipliedReportingOverflow(by: 10)
        let (sum, more) = product.addingReportingOverflow(UInt64(digit))
        if over || more { return nil }
        number = sum
        place += 1
    }
    return place > start ? number : nil
}

/// A number with two decimals, as hundredths.
func hundredths(_ bytes: Span<UInt8>, _ place: inout Int) -> UInt64? {
    guard let whole = decimal(bytes, &place), skip(".", bytes, &place) else { return nil }
    let start = place
    guard let fraction = digits(bytes, &place), place == start + 2 else { return nil }
    let (product, over) = whole.multipliedReportingOverflow(by: 100)
    let (sum, more) = product.addingReportingOverflow(fraction)
    return over || more ? nil : sum
}

/// Steps over a text, if it is there.
func skip(_ text: String, _ bytes: Span<UInt8>, _ place: inout Int) -> Bool {
    let wanted = text.utf8.span
    guard wanted.count <= bytes.count - place else { return false }
    for index in wanted.indices where bytes[place + index] != wanted[index] { return false }
    place += wanted.count
    return true
}

/// Where the line ends that the place is in: at its newline, or at the end of the file.
func endOfLine(_ bytes: Span<UInt8>, _ place: Int) -> Int {
    var end = place
    while end < bytes.count, bytes[end] != newline { end += 1 }
    return end
}

/// A number and at most one newline behind it.
func wholeDecimal(_ bytes: Span<UInt8>) -> UInt64? {
    var place = 0
    guard let number = decimal(bytes, &place) else { return nil }
    if place < bytes.count, bytes[place] == newline { place += 1 }
    return place == bytes.count ? number : nil
}

/// A part as a string; what is no UTF-8 is replaced.
func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
    let part = bytes.extracting(range)
    if let valid = try? UTF8Span(validating: part) { return String(copying: valid) }
    return String(decoding: copy(part), as: UTF8.self)
}

/// A part as an array.
func copy(_ bytes: Span<UInt8>) -> [UInt8] {
    var array = [UInt8](repeating: 0, count: bytes.count)
    for index in bytes.indices { array[index] = bytes[index] }
    return array
}

extension FixedWidthInteger {
    /// Decimal digits only, without a zero in front.
    init?(decimal text: some StringProtocol) {
        let first = text.utf8.first
        guard first != UInt8(ascii: "+"), first != UInt8(ascii: "0") || text.utf8.count == 1 else { return nil }
        self.init(text, radix: 10)
    }
}
