// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import Synchronization

/// Reads a log as it is asked for: from one end to the other, and on as it grows.
final class LogReader: Sendable {
    private struct Place {
        /// Where the next byte is read.
        var offset: UInt64
        /// Whether a line begins there.
        var isAtLine = true
        /// How many bytes may be told yet.
        var left: Int
    }

    private let file: SharedLog
    private let times: LogTimes
    private let query: LogQuery
    private let place: Mutex<Place>
    private let threads: WorkThreads
    private let isRunning: @Sendable () async -> Bool

    /// Finds where to begin. Blocks.
    ///
    /// The container can write to its log as it likes, and make it as large as no file is: nothing here takes longer for it.
    /// - Parameters:
    ///   - file: the log.
    ///   - times: when it was written.
    ///   - query: what of it is asked for.
    ///   - reach: how many bytes before its end lines are looked for; before them, the room was given back.
    ///   - threads: who reads.
    ///   - isRunning: whether more may come.
    init(
        _ file: SharedLog, _ times: LogTimes, _ query: LogQuery, reach: UInt64, _ threads: WorkThreads,
        isRunning: @escaping @Sendable () async -> Bool
    ) throws(KernelError) {
        self.file = file
        self.times = times
        self.query = query
        self.threads = threads
        self.isRunning = isRunning
        let size = try file.descriptor.status().size
        var start: UInt64 = 0
        if let since = query.since { start = try file.lineStart(at: min(times.offset(since: since), size)) }
        if let lines = query.tailLines {
            start = max(start, try file.start(ofLast: lines, before: size, noLowerThan: size - min(size, reach)))
        }
        place = Mutex(Place(offset: start, left: query.limitBytes ?? .max))
    }

    /// The next bytes; nil at the end.
    func next() async throws(PodRuntimeError) -> [UInt8]? {
        while !Task.isCancelled {
            // Asked before: what it wrote at last is then read.
            let isGoingOn = query.follows ? await isRunning() : false
            let bytes = try await threads.run { [self] in try read() }
            if !bytes.isEmpty { return bytes }
            if !isGoingOn || place.withLock({ $0.left }) == 0 { return nil }
            try? await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }

    private func read() throws(KernelError) -> [UInt8] {
        var place = place.withLock { $0 }
        if place.left == 0 { return [] }
        // Somebody inside has opened it by its name and cut it off, as a shell does with `>/dev/stderr`.
        if try file.descriptor.status().size < place.offset { (place.offset, place.isAtLine) = (0, true) }
        // What was given back at the beginning, and the rest of the line that it ended in.
        guard let data = try file.descriptor.nextData(from: place.offset) else { return [] }
        if data > place.offset {
            place.offset = try file.lineEnd(from: data)
            place.isAtLine = true
        }
        var bytes = [UInt8](repeating: 0, count: 65536)
        bytes.removeLast(bytes.count - (try file.descriptor.read(into: &bytes, at: place.offset)))
        let told = query.timestamps ? timed(bytes, &place) : bytes
        place.offset += UInt64(bytes.count)
        place.left -= min(place.left, told.count)
        let end = place
        let left = self.place.withLock { now in
            defer { now = end }
            return now.left
        }
        return told.count > left ? Array(told[..<left]) : told
    }

    /// The same with the time before each line.
    private func timed(_ bytes: [UInt8], _ place: inout Place) -> [UInt8] {
        var told: [UInt8] = []
        told.reserveCapacity(bytes.count * 3 / 2)
        for (index, byte) in bytes.enumerated() {
            if place.isAtLine {
                let seen = times.time(at: place.offset + UInt64(index)) ?? .wallClock
                told += "\(Timestamp(seconds: seen.sinceEpoch.components.seconds)) ".utf8
            }
            told.append(byte)
            place.isAtLine = byte == UInt8(ascii: "\n")
        }
        return told
    }
}

/// A log that is open for reading.
final class SharedLog: Sendable {
    let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// The longest line that is looked for the end of.
    private static let longestLine: UInt64 = 1 << 20

    /// Where the last lines begin that end before a place; in what is before the lowest place they are not looked for.
    func start(
        ofLast lines: Int, before end: UInt64, noLowerThan lowest: UInt64
    ) throws(KernelError) -> UInt64 {
        if lines <= 0 { return end }
        var found = 0
        var upper = end
        var block = [UInt8](repeating: 0, count: 65536)
        while upper > lowest {
            let lower = max(lowest, upper - min(upper, UInt64(block.count)))
            let count = min(try descriptor.read(into: &block, at: lower), Int(upper - lower))
            for index in stride(from: count - 1, through: 0, by: -1) where block[index] == UInt8(ascii: "\n") {
                let next = lower + UInt64(index) + 1
                // The newline of the last line ends it, and begins none.
                if next == end { continue }
                found += 1
                if found == lines { return next }
            }
            upper = lower
        }
        return lowest
    }

    /// Where the line begins that a place is in.
    func lineStart(at offset: UInt64) throws(KernelError) -> UInt64 {
        if offset == 0 { return 0 }
        var before: [UInt8] = [0]
        _ = try descriptor.read(into: &before, at: offset - 1)
        if before == [UInt8(ascii: "\n")] { return offset }
        return try start(ofLast: 1, before: offset, noLowerThan: offset - min(offset, Self.longestLine))
    }

    /// Where the line after the one begins that a place is in.
    func lineEnd(from offset: UInt64) throws(KernelError) -> UInt64 {
        var next = offset
        var block = [UInt8](repeating: 0, count: 4096)
        while next - offset < Self.longestLine {
            let count = try descriptor.read(into: &block, at: next)
            if count == 0 { break }
            if let index = block[..<count].firstIndex(of: UInt8(ascii: "\n")) { return next + UInt64(index) + 1 }
            next += UInt64(count)
        }
        return next
    }
}
