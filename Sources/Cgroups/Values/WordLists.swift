// SPDX-License-Identifier: Apache-2.0

/// An element of a file that is a list of words or lines.
public protocol InterfaceListElement: Sendable {
    /// Reads one word.
    init?(kernelWord word: Substring)
    /// The word.
    var kernelWord: String { get }
    /// Whether the kernel prints each on a line of its own, and a long list of them in pieces.
    static var isOnePerLine: Bool { get }
}

extension Int32: InterfaceListElement {
    /// Reads one word.
    public init?(kernelWord word: Substring) {
        guard let number = Int32(decimal: word), number >= 0 else { return nil }
        self = number
    }
    /// Decimal digits.
    public var kernelWord: String { String(self) }
    /// The kernel fills one page for each read and ends it between two lines, however large the reader's buffer is: of
    /// 1200 processes the first read gives 4095 bytes.
    public static var isOnePerLine: Bool { true }
}

extension Controller: InterfaceListElement {
    /// Reads one word.
    public init?(kernelWord word: Substring) { self.init(rawValue: String(word)) }
    /// The name.
    public var kernelWord: String { rawValue }
    /// One line.
    public static var isOnePerLine: Bool { false }
}

extension Array: StatusValue where Element: InterfaceListElement {
    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        self = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            guard let element = Element(kernelWord: word) else { return nil }
            append(element)
        }
    }

    /// The words or lines.
    public var kernelText: String { map(\.kernelWord).joined(separator: Element.isOnePerLine ? "\n" : " ") }
    /// The words or lines; nothing where there is none.
    public var fileText: String { isEmpty ? "" : kernelText + "\n" }
    /// As its elements say.
    public static var comesInPieces: Bool { Element.isOnePerLine }
}
