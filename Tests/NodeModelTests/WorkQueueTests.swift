// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

@Suite struct WorkQueueTests {
    private let zero = Timestamp(seconds: 0)

    @Test func `An item that is added twice is taken once`() {
        var queue = WorkQueue<String>()
        queue.add("a")
        queue.add("b")
        queue.add("a")
        #expect(queue.next(at: zero) == "a")
        #expect(queue.next(at: zero) == "b")
        #expect(queue.next(at: zero) == nil)
    }

    @Test func `An item that is added while a worker has it comes again, after that worker`() {
        var queue = WorkQueue<String>()
        queue.add("a")
        #expect(queue.next(at: zero) == "a")
        queue.add("a")
        queue.add("a")
        #expect(queue.next(at: zero) == nil)
        queue.done("a")
        #expect(queue.next(at: zero) == "a")
        queue.done("a")
        #expect(queue.next(at: zero) == nil)
    }

    @Test func `Failures double the delay up to its limit, and success begins again`() {
        var backoff = ItemBackoff<String>(base: .milliseconds(1), limit: .seconds(1))
        #expect(
            (0..<12).map { _ in backoff.next("a") }
                == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000].map { .milliseconds($0) })
        #expect(backoff.next("b") == .milliseconds(1))
        #expect(backoff.failures(of: "a") == 12)
        backoff.forget("a")
        #expect(backoff.next("a") == .milliseconds(1))
    }

    @Test func `A million failures do not overflow`() {
        var backoff = ItemBackoff<String>(base: .seconds(1), limit: .seconds(1 << 40))
        var last = Duration.zero
        for _ in 0..<100 { last = backoff.next("a") }
        #expect(last == .seconds(1 << 40))
    }

    @Test func `A bucket gives its burst at once, and then one an interval`() {
        var bucket = TokenBucket(every: .milliseconds(100), burst: 3)
        #expect((0..<5).map { _ in bucket.take(at: zero) } == [0, 0, 0, 100, 200].map { .milliseconds($0) })
        #expect(bucket.take(at: zero + .seconds(10)) == .zero)
        #expect((0..<3).map { _ in bucket.take(at: zero + .seconds(10)) } == [0, 0, 100].map { .milliseconds($0) })
    }

    @Test func `An item comes back when its delay is over, and of two times at the earlier`() {
        var queue = WorkQueue<String>(bucket: nil)
        queue.add("a", at: zero + .seconds(5))
        queue.add("a", at: zero + .seconds(2))
        queue.add("a", at: zero + .seconds(9))
        #expect(queue.next(at: zero + .milliseconds(1999)) == nil)
        #expect(queue.nextTime == zero + .seconds(2))
        #expect(queue.next(at: zero + .seconds(2)) == "a")
        queue.done("a")
        #expect(queue.next(at: zero + .seconds(100)) == nil)
        #expect(queue.delayed == 0)
    }

    @Test func `Random work is never lost, never doubled and never with two workers`() {
        var random = SplitMix(state: 99)
        for _ in 0..<100 {
            var queue = WorkQueue<Int>(backoff: ItemBackoff(base: .seconds(1), limit: .seconds(8)), bucket: nil)
            var now = zero
            var underWay: Set<Int> = []
            /// What was added since it was taken last, and what comes later: a wish for now is none for later.
            var wanted: Set<Int> = []
            var later: [Int: Timestamp] = [:]
            for _ in 0..<150 {
                let item = Int.random(in: 0..<6, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1:
                    queue.add(item)
                    wanted.insert(item)
                case 2:
                    let time = now + .seconds(Int.random(in: 0..<5, using: &random))
                    queue.add(item, at: time)
                    later[item] = min(later[item] ?? time, time)
                case 3:
                    now = now + .seconds(1)
                case 4:
                    guard let busy = underWay.sorted().first else { break }
                    underWay.remove(busy)
                    if Bool.random(using: &random) {
                        let time = queue.addAfterFailure(busy, at: now)
                        later[busy] = min(later[busy] ?? time, time)
                    } else {
                        queue.forget(busy)
                    }
                    queue.done(busy)
                default:
                    for (item, time) in later where time <= now {
                        later[item] = nil
                        wanted.insert(item)
                    }
                    guard let taken = queue.next(at: now) else {
                        #expect(wanted.isSubset(of: underWay))
                        break
                    }
                    #expect(wanted.remove(taken) != nil)
                    #expect(underWay.insert(taken).inserted)
                }
            }
        }
    }
}
