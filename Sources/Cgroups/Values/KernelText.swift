// SPDX-License-Identifier: Apache-2.0

/// What an interface file holds, from the kernel's text and back.
public protocol StatusValue: Sendable {
    /// Reads the whole file, with its newline; nil when it is not of this form.
    init?(kernelText text: Substring)
    /// The same of bytes, for what is read often.
    init?(kernelBytes bytes: Span<UInt8>)
    /// The text without the newline at its end; of what can be written, that which is written.
    var kernelText: String { get }
    /// The whole file as the kernel shows it, newline and all.
    var fileText: String { get }
    /// Whether the kernel gives the file in more than one piece, so that only an empty read is its end.
    static var comesInPieces: Bool { get }
}

extension StatusValue {
    /// Reads the whole file.
    public init?(kernelBytes bytes: Span<UInt8>) {
        let text = text(bytes, 0..<bytes.count)
        self.init(kernelText: text[...])
    }
    /// One line.
    public var fileText: String { kernelText + "\n" }
    /// Most files are shown by one function of the kernel, whole.
    public static var comesInPieces: Bool { false }
}

/// What can be written to an interface file.
public protocol InterfaceValue: StatusValue {
    /// The form in words, for who wrote something else.
    static var form: String { get }
    /// Why this value must not be written, whichever file it is for; nil when nothing is wrong with it.
    var refusal: String? { get }
    /// Why this value must not be written to this file.
    func refusal(in file: CgroupFile) -> String?
    /// Why this text must not be written to this file.
    static func refusal(ofText text: Substring, in file: CgroupFile) -> String?
}

extension InterfaceValue {
    /// The kernel itself refuses what is wrong.
    public var refusal: String? { nil }
    /// What is wrong anywhere.
    public func refusal(in file: CgroupFile) -> String? { refusal }
    /// What is not of the form, and what is refused as a value.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        guard let value = Self(kernelText: text) else { return "\(file.name) takes \(file.form(of: Self.self))" }
        return value.refusal(in: file)
    }
}

extension Substring {
    var withoutNewline: Substring { last == "\n" ? dropLast() : self }
}
