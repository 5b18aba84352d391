// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import Testing

@testable import NodeAgent

@Suite("When a log was written, as far as an agent has looked")
struct LogTimesTests {
    private let times = LogTimes(parsing: "100 10\n101 30\nbroken\n105 31\n")

    @Test("A byte has the time of the first look that saw it; what nobody has seen yet has none")
    func places() {
        #expect([0, 9].map { times.time(at: $0) } == [Timestamp(seconds: 100), Timestamp(seconds: 100)])
        #expect([10, 29].map { times.time(at: $0) } == [Timestamp(seconds: 101), Timestamp(seconds: 101)])
        #expect(times.time(at: 30) == Timestamp(seconds: 105))
        #expect(times.time(at: 31) == nil)
        #expect(LogTimes().time(at: 0) == nil)
    }

    @Test("From a time on there is what was seen first then or later")
    func since() {
        #expect([99, 100].map { times.offset(since: Timestamp(seconds: $0)) } == [0, 0])
        #expect(times.offset(since: Timestamp(seconds: 101)) == 10)
        #expect([102, 105].map { times.offset(since: Timestamp(seconds: $0)) } == [30, 30])
        #expect(times.offset(since: Timestamp(seconds: 106)) == 31)
        #expect(times.lastSize == 31)
    }

    @Test("Of half of the looks the last is one, and what it leaves out counts for the next")
    func thinned() {
        let half = LogTimes(parsing: "1 10\n2 20\n3 30\n4 40\n").thinned
        #expect(half.text == "2 20\n4 40\n")
        #expect(half.time(at: 0) == Timestamp(seconds: 2))
        #expect(LogTimes().thinned.text.isEmpty)
        #expect(LogTimes(parsing: "1 10\n").thinned.text == "1 10\n")
    }

    @Test("A look is read as it was written")
    func text() {
        let text = LogTimes.line(Timestamp(seconds: 7), 8) + LogTimes.line(Timestamp(seconds: 9), 10)
        #expect(LogTimes(parsing: text).time(at: 9) == Timestamp(seconds: 9))
    }
}
