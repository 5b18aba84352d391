// SPDX-License-Identifier: Apache-2.0

import Cgroups
import LinuxKernel
import NodeModel
import TestSupport
import Testing

extension ProtectionTests {
    @Suite("A working set beside a BestEffort neighbour that takes all it can")
    struct Layouts {
        /// Two pods have read a file each and are idle: the worst moment for a working set, as least used pages go first.
        /// Then their neighbour fills memory and reads a file again and again that does not fit beside it ("pressure"),
        /// and at last fills memory until the kernel kills it ("all of it").
        @Test("memory.min keeps it, memory.low keeps it until the end, without memory.low at the root it goes")
        func layouts() throws {
            let sizes = try PressureSizes()
            let limit = sizes.limited
            let before = Machine.isMultiGenerational()
            defer { if let before { try? Machine.setMultiGenerational(before) } }
            var table = ReportTable(
                "Working set of \(mebibytes(sizes.request)) MiB left after pressure (MiB read again, refaults) → after all of it",
                columns: ["reclaim starts at", "LRU", "layout", "Guaranteed", "Burstable", "low events", "killed"])
            defer { try? table.print() }

            // The multi-generational LRU first: what it does wrong depends on what happened since the start.
            if before == true {
                let row = try measure(.fixed, sizes, into: &table)
                withKnownIssue(
                    "under the multi-generational LRU memory.low does not hold when the machine itself reclaims",
                    isIntermittent: true
                ) {
                    row.expectKept(row.burstable)
                }
                row.expectKept(row.guaranteed)
            }
            // After an OOM kill kswapd may have given up for good, and with it the only one who computes protection.
            if before == true {
                let row = try measure(.fixed, sizes, into: &table)
                withKnownIssue(
                    "after an out-of-memory kill the multi-generational LRU may honour not even memory.min",
                    isIntermittent: true
                ) {
                    row.expectKept(row.guaranteed)
                }
                // When it is a limit that is reached, protection is computed on the way down, also then.
                try expectLimited(measure(.kubernetes136, limit, into: &table))
                try Machine.setMultiGenerational(false)
            }

            let none = try measure(.none, sizes, into: &table)
            none.expectLost(none.guaranteed)
            none.expectLost(none.burstable)
            none.expectEnd(min: false)

            let released = try measure(.kubernetes136, sizes, into: &table)
            released.expectKept(released.guaranteed)
            released.expectLost(released.burstable)
            #expect(released.lowEvents == 0, "a memory.low without effect is never passed over")
            released.expectEnd(min: true)

            let fixed = try measure(.fixed, sizes, into: &table)
            fixed.expectKept(fixed.guaranteed)
            fixed.expectKept(fixed.burstable)
            #expect(
                fixed.lowEventsAtEnd > 10 * fixed.lowEvents,
                "memory.low is passed over when the node is truly short, and says so")
            fixed.expectEnd(min: true)

            if before != true { try expectLimited(measure(.kubernetes136, limit, into: &table)) }
        }

        /// Reclaim that starts at the root of all pods counts from the level below, where Burstable has its own.
        private func expectLimited(_ row: LayoutRow) {
            row.expectKept(row.guaranteed)
            row.expectKept(row.burstable)
            row.expectEnd(min: true)
        }

        private func measure(
            _ layout: ProtectionPods.Layout, _ sizes: PressureSizes, into table: inout ReportTable
        ) throws -> LayoutRow {
            let row = try LayoutRow(layout, sizes)
            table.add([
                sizes.isLimited ? "memory.max" : "the machine",
                Machine.isMultiGenerational() == true ? "multi-gen" : "classic", layout.rawValue,
                "\(row.guaranteed)", "\(row.burstable)", "\(row.lowEvents) → \(row.lowEventsAtEnd)",
                row.killedNeighbour ? "the neighbour" : "-",
            ])
            return row
        }
    }
}
