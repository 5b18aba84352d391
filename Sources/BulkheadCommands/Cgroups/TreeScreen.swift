// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import ToolOutput

/// The terminal while a tree is watched: another screen without a cursor, and keys that come one by one. The terminal
/// is as it was when this value goes out of scope.
struct TreeScreen: ~Copyable {
    private let raw: RawTerminal?
    let input: Descriptor?

    /// Nil where standard output is no terminal.
    static func open() throws(KernelError) -> TreeScreen? {
        guard try Descriptor.standard(.output).isTerminal, environment("TERM") != "dumb" else { return nil }
        let input = try? Descriptor.standard(.input)
        var keys: Descriptor?
        var raw: RawTerminal?
        if let input, input.isTerminal {
            raw = try RawTerminal(try input.duplicate())
            keys = consume input
        }
        try Output.write("\u{1B}[?1049h\u{1B}[?25l", to: .output)
        return TreeScreen(raw: raw, input: keys)
    }

    private init(raw: consuming RawTerminal?, input: consuming Descriptor?) {
        self.raw = raw
        self.input = input
    }

    deinit { try? Output.write("\u{1B}[?25h\u{1B}[?1049l", to: .output) }

    /// Shows lines from the top; what was there before them is overwritten, so that nothing flickers.
    borrowing func show(_ lines: [String]) throws(KernelError) {
        // In raw mode a line feed does not go to the left.
        let text = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
        try Output.write("\u{1B}[H" + text + "\u{1B}[J", to: .output)
    }

    /// Whether a key was pressed that ends the command: q, Ctrl-C, Ctrl-D, Escape alone, or the end of input.
    borrowing func isEnded() throws(KernelError) -> Bool {
        switch input {
        case .none: return false
        case .some(let input):
            var buffer = [UInt8](repeating: 0, count: 64)
            let count = try input.read(into: &buffer)
            let keys = buffer[..<count]
            return count == 0 || keys == [27]
                || keys.contains { [3, 4, UInt8(ascii: "q"), UInt8(ascii: "Q")].contains($0) }
        }
    }

    /// What `poll` waits for; -1 without keys.
    var number: CInt {
        switch input {
        case .none: -1
        case .some(let input): input.number
        }
    }

    /// The columns of standard output, else what `COLUMNS` says, else 100.
    static func size() throws(KernelError) -> Int {
        if let size = try Descriptor.standard(.output).windowSize() { return size.columns }
        return environment("COLUMNS").flatMap { Int($0) }.flatMap { (20...1000).contains($0) ? $0 : nil } ?? 100
    }

    /// The lines of standard output.
    static func rows() throws(KernelError) -> Int { try Descriptor.standard(.output).windowSize()?.rows ?? 24 }
}
