// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import SystemPackage

/// The command's pseudo-terminal and the caller's own terminal, joined: keys one way, output the other.
struct RunTerminal: ~Copyable {
    let master: Descriptor
    let input: Descriptor
    let output: Descriptor
    private let raw: RawTerminal?
    /// Keys that the command has not taken yet.
    private var pending: ArraySlice<UInt8> = []
    private var inputEnded = false
    /// Nobody inside has the terminal open: `poll` says so again at once, as long as that lasts.
    private(set) var isHungUp = false

    static func isWanted(_ choice: RunTerminalChoice) throws(KernelError) -> Bool {
        switch choice {
        case .always: return true
        case .never: return false
        case .auto:
            let input = try Descriptor.standard(.input)
            let output = try Descriptor.standard(.output)
            return input.isTerminal && output.isTerminal
        }
    }

    private init(
        master: consuming Descriptor, input: consuming Descriptor, output: consuming Descriptor,
        raw: consuming RawTerminal?
    ) {
        self.master = master
        self.input = input
        self.output = output
        self.raw = raw
    }

    /// Joins a command's pseudo-terminal with the caller's streams; nil without one.
    static func joining(_ master: consuming Descriptor?) throws(KernelError) -> RunTerminal? {
        guard let master else { return nil }
        try master.setNonBlocking()
        let input = try Descriptor.standard(.input)
        let raw = input.isTerminal ? try RawTerminal(try input.duplicate()) : nil
        return RunTerminal(master: master, input: input, output: try Descriptor.standard(.output), raw: raw)
    }

    /// The size that the command's terminal has from its start. Set later it could undo what the command has set.
    static func size() throws(KernelError) -> TerminalSize? {
        guard let (columns, rows) = try Descriptor.standard(.input).windowSize() else { return nil }
        return TerminalSize(columns: UInt16(clamping: columns), rows: UInt16(clamping: rows))
    }

    borrowing func takeWindowSize() { master.takeWindowSize(of: input) }

    /// What to wait for: the command's output, and keys while there is room for them.
    var interests: [(number: CInt, events: PollEvents)] {
        [
            (isHungUp ? -1 : master.number, pending.isEmpty ? .readable : [.readable, .writable]),
            (pending.isEmpty && !inputEnded ? input.number : -1, .readable),
        ]
    }

    /// Passes on what is there.
    mutating func relay(_ ready: ArraySlice<PollEvents>) throws(KernelError) {
        guard let ofMaster = ready.first, let ofInput = ready.last else { return }
        if ofMaster.contains(.writable) && !ofMaster.contains(.hangUp) { try passKeys() }
        if !ofMaster.isDisjoint(with: [.readable, .hangUp]) {
            let hadOutput = try passOutput()
            isHungUp = ofMaster.contains(.hangUp) && !hadOutput
        }
        if !ofInput.isDisjoint(with: [.readable, .hangUp, .error]) {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = try input.read(into: &buffer)
            // The end of input on a terminal is a key like others: ^D.
            if count == 0 { inputEnded = true }
            pending = count == 0 ? [4] : buffer[..<count]
            try passKeys()
        }
    }

    /// Looks again whether somebody inside has opened the terminal.
    mutating func lookAgain() { isHungUp = false }

    /// What the command wrote before it ended.
    borrowing func drain() throws(KernelError) { while try passOutput() {} }

    private mutating func passKeys() throws(KernelError) {
        do throws(KernelError) {
            pending = pending.dropFirst(try master.writeOnce(pending))
        } catch {
            guard error.errno == .resourceTemporarilyUnavailable || error.errno == .ioError else { throw error }
        }
    }

    /// True when there may be more. A terminal whose last user has gone answers EIO.
    private borrowing func passOutput() throws(KernelError) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16384)
        let count: Int
        do throws(KernelError) { count = try master.read(into: &buffer) } catch {
            guard error.errno == .resourceTemporarilyUnavailable || error.errno == .ioError else { throw error }
            return false
        }
        try output.write(Array(buffer[..<count]))
        return count > 0
    }
}
