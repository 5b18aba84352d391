// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel

/// A terminal in raw mode: every key reaches the reader as it is. Restored when the value goes out of scope.
package struct RawTerminal: ~Copyable {
    private let terminal: Descriptor
    private var saved: [UInt8]

    /// Switches a terminal to raw mode.
    package init(_ terminal: consuming Descriptor) throws(KernelError) {
        var saved = [UInt8](repeating: 0, count: bk_terminal_state_size())
        let number = terminal.number
        let result = unsafe saved.withUnsafeMutableBytes { bytes -> CInt in
            guard let base = bytes.baseAddress else { return -22 }
            return unsafe bk_make_raw(number, base)
        }
        try valueOrError(result, "tcsetattr", "the terminal")
        self.terminal = terminal
        self.saved = saved
    }

    deinit {
        let number = terminal.number
        unsafe saved.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            _ = unsafe bk_restore_terminal(number, base)
        }
    }
}

extension Descriptor {
    /// Whether it is a terminal.
    package var isTerminal: Bool { bk_is_terminal(number) == 1 }

    /// Gives this terminal the window size of another; without effect where the other is none.
    package borrowing func takeWindowSize(of other: borrowing Descriptor) {
        _ = bk_copy_window_size(other.number, number)
    }

    /// The columns and rows of this terminal (`TIOCGWINSZ`); nil for what is none, or does not know them.
    package borrowing func windowSize() -> (columns: Int, rows: Int)? {
        var columns: UInt16 = 0
        var rows: UInt16 = 0
        guard unsafe bk_window_size(number, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
        return (Int(columns), Int(rows))
    }

    /// Gives this terminal columns and rows (`TIOCSWINSZ`).
    package borrowing func setWindowSize(columns: UInt16, rows: UInt16) throws(KernelError) {
        try valueOrError(bk_set_window_size(number, columns, rows), "ioctl TIOCSWINSZ", name)
    }

    /// Makes reads and writes return at once (`O_NONBLOCK`), for everyone who shares the open file.
    package borrowing func setNonBlocking() throws(KernelError) {
        try valueOrError(bk_set_non_blocking(number), "fcntl F_SETFL O_NONBLOCK", name)
    }
}
