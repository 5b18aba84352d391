// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// How far the trees have come. Trees of more files take longer, so each has a weight, in about seconds.
struct BenchProgress: Hashable {
    private(set) var all = 0.0
    private(set) var done = 0.0
    /// The weight of the tree that is measured now, times the share of it that is done.
    private var current = 0.0

    /// Every tree that will be measured.
    mutating func expect(_ places: Int, of files: [Int]) {
        for count in files { all += Double(places) * Self.weight(count) }
    }

    /// A tree of so many files is measured.
    mutating func finish(_ files: Int) {
        done += Self.weight(files)
        current = 0
    }

    /// So much of the tree that is measured now is done.
    mutating func advance(to part: Double, of files: Int) { current = Self.weight(files) * min(1, max(0, part)) }

    /// Nil where nobody said what is to come.
    var share: Double? { all > 0 ? min(1, (done + current) / all) : nil }

    private static func weight(_ files: Int) -> Double { 10 + Double(files) / 4000 }

    /// Bar, share, what is done, and how long it will take from here.
    func text(_ doing: String, elapsed: Double, width: Int) -> String {
        guard let share else { return doing }
        let filled = Int(share * Double(width))
        let bar =
            width > 0 ? String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled) + " " : ""
        // Too early to tell before that.
        let rest = share >= 0.03 ? ", \(ShiftReport.duration(elapsed * (1 - share) / share)) left" : ""
        return "\(bar)\(Int(share * 100)) %\(rest)  \(doing)"
    }
}

/// Progress on standard error: a line that changes on a terminal, elsewhere one every ten seconds where there is anything to
/// foresee.
final class BenchMeter {
    private var progress = BenchProgress()
    private var files: [Int] = []
    private let start = ContinuousClock.now
    private var next: ContinuousClock.Instant
    private var isShown = false
    private let columns: Int?
    private let isOnTerminal: Bool

    init() {
        var columns: Int?
        var isOnTerminal = false
        do {
            let stream = try Descriptor.standard(.error)
            isOnTerminal = stream.isTerminal
            columns = stream.windowSize()?.columns
        } catch {}
        self.isOnTerminal = isOnTerminal
        self.columns = columns
        next = .now + (isOnTerminal ? .zero : .seconds(10))
    }

    /// So many places, each with trees of these sizes.
    func expect(_ places: Int, of files: [Int]) {
        progress.expect(places, of: files)
        for count in files { self.files += [Int](repeating: count, count: places) }
    }

    func finish(_ count: Int) {
        progress.finish(count)
        if !files.isEmpty { files.removeFirst() }
    }

    /// Says what is done now.
    func show(_ doing: String, part: Double?) {
        if let part, let current = files.first { progress.advance(to: part, of: current) }
        guard ContinuousClock.now >= next, !doing.isEmpty, isOnTerminal || progress.share != nil else { return }
        next = .now + (isOnTerminal ? .milliseconds(50) : .seconds(10))
        isShown = isOnTerminal
        let text = progress.text(doing, elapsed: (ContinuousClock.now - start).inSeconds, width: isOnTerminal ? 20 : 0)
        let line = isOnTerminal ? "\r\u{1B}[K" + text.prefix((columns ?? 80) - 1) : "bulkhead: \(text)\n"
        try? Output.write(line, to: .error)
    }

    /// Takes the line away.
    func clear() { if isShown { try? Output.write("\r\u{1B}[K", to: .error) } }
}

/// Counts system calls where the kernel can.
final class BenchCallCounter {
    /// Why it cannot, as far as it was asked to.
    private(set) var absence: String?

    /// Acts; the calls it took, or nil. A counter is there for this act alone: it makes every call longer.
    func count(_ act: () throws -> Void) throws -> UInt64? {
        let counter: CallCounter
        do { counter = try CallCounter() } catch {
            absence = "\(error)"
            try act()
            return nil
        }
        return try counter.calls(of: act)
    }
}
