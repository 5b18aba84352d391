// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@testable import Cgroups

@Suite("What a shrink writes down, and thresholds of pressure")
struct ShrinkNoteTests {
    @Test("A note reads back as it was written", arguments: [ByteCount.max, .zero, .mebibytes(64)])
    func note(before: ByteCount) {
        let note = UnfinishedShrink(before: before, lowered: .mebibytes(30))
        #expect(UnfinishedShrink(text: note.text) == note)
    }

    @Test(
        "What is no note is none",
        arguments: ["", "memory.high", "memory.high max", "memory.max 1 2", "memory.high max 1 2", "memory.high x 1"])
    func noNote(text: String) { #expect(UnfinishedShrink(text: text) == nil) }

    @Test("Durations are whole microseconds; what is below zero or beyond all windows is refused and does not trap")
    func durations() {
        let good = PressureThreshold(.some, stall: .milliseconds(150), window: .seconds(1))
        #expect(good.kernelText == "some 150000 1000000")
        #expect(good.refusal == nil)
        for (stall, window) in [
            (Duration.seconds(-1), Duration.seconds(1)), (.seconds(1), .seconds(Int64.max)),
            (.nanoseconds(1), .seconds(1)),
            (.seconds(2), .seconds(1)),
        ] {
            #expect(PressureThreshold(.full, stall: stall, window: window).refusal != nil, "\(stall) \(window)")
        }
    }
}
