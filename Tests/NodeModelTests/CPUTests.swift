// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Shares: Decodable {
        let milli_cpu: Int64
        let expected_shares: UInt64
    }
    struct Milli: Decodable {
        let shares: UInt64
        let expected_milli_cpu: Int64
    }
    struct Quota: Decodable {
        let milli_cpu: Int64
        let period: UInt64
        let expected_quota: Int64
    }
    struct QuotaBack: Decodable {
        let quota: Int64
        let period: UInt64
        let expected_milli_cpu: Int64
    }
    struct RoundTrip: Decodable {
        let milli_cpu: Int64
        let expected_milli_cpu: Int64
    }
    struct Weight: Decodable {
        let shares: UInt64
        let expected_weight: UInt64
    }
    struct WeightBack: Decodable {
        let weight: UInt64
        let expected_shares: UInt64
    }
    struct Equality: Decodable {
        let test: String
        let allocated_shares: UInt64
        let readback_shares: UInt64
        let expected_equal: Bool
    }
    struct Class: Decodable {
        let test: String
        let burstable_milli_requests: [Int64]
        let expected_burstable_shares: UInt64
        let expected_besteffort_shares: UInt64
    }
    let milli_to_shares: [Shares]
    let shares_to_milli: [Milli]
    let milli_to_quota: [Quota]
    let quota_to_milli: [QuotaBack]
    let milli_round_trip: [RoundTrip]
    let shares_to_weight_quadratic: [Weight]
    let shares_to_weight_linear: [Weight]
    let weight_to_shares: [WeightBack]
    let v2_round_trip_equality: [Equality]
    let qos_level_shares: [Class]
}

@Suite struct CPUTests {
    private let table: Table

    init() throws { table = try vectors("cpu_weight.json") }

    @Test func `Millicpus and shares turn into each other as in the table`() {
        for row in table.milli_to_shares {
            #expect(CPUShares(milliCPU: row.milli_cpu).count == row.expected_shares, "\(row.milli_cpu)m")
        }
        for row in table.shares_to_milli {
            #expect(CPUShares(row.shares).milliCPU == row.expected_milli_cpu, "\(row.shares) shares")
        }
        for row in table.milli_round_trip {
            #expect(CPUShares(milliCPU: row.milli_cpu).milliCPU == row.expected_milli_cpu, "\(row.milli_cpu)m")
        }
    }

    @Test func `Millicpus and quotas turn into each other as in the table`() {
        for row in table.milli_to_quota {
            let quota = CPUQuota(milliCPU: row.milli_cpu, period: row.period)?.microseconds ?? 0
            #expect(quota == row.expected_quota, "\(row.milli_cpu)m in \(row.period)")
        }
        for row in table.quota_to_milli {
            let quota = CPUQuota(microseconds: row.quota, period: row.period)
            #expect(quota.milliCPU == row.expected_milli_cpu, "\(quota)")
        }
    }

    @Test func `Shares turn into weights by both formulas, and back, as in the table`() {
        for row in table.shares_to_weight_quadratic {
            #expect(CPUShares(row.shares).runtimeWeight == row.expected_weight, "\(row.shares) shares")
        }
        for row in table.shares_to_weight_linear {
            #expect(CPUShares(row.shares).linearWeight == row.expected_weight, "\(row.shares) shares")
        }
        for row in table.weight_to_shares {
            #expect(CPUShares(linearWeight: row.weight).count == row.expected_shares, "weight \(row.weight)")
        }
        for row in table.v2_round_trip_equality {
            let survives = CPUShares(row.allocated_shares).survivesRoundTrip(as: CPUShares(row.readback_shares))
            #expect(survives == row.expected_equal, "\(row.test)")
        }
    }

    @Test func `The curve of the runtimes is the C library's at all shares`() {
        for shares in UInt64(3)..<262_144 {
            let l = log2(Double(shares))
            let weight = UInt64(ceil(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34.0)))
            if CPUShares(shares).runtimeWeight != weight {
                Issue.record("\(shares) shares: \(CPUShares(shares).runtimeWeight) instead of \(weight)")
            }
        }
    }

    @Test func `The control groups of classes weigh what their pods ask for`() throws {
        for row in table.qos_level_shares {
            let pods = row.burstable_milli_requests.enumerated().map { index, milli in
                let resources = ResourceRequirements(requests: ["cpu": Quantity(milli: milli)])
                let spec = PodSpec(containers: [Container(name: "c", resources: resources)])
                return Pod(name: "p\(index)", uid: "\(index)", spec: spec)
            }
            let plan = try MemoryPlan(node: Node(), pods: pods)
            let burstable = CPUShares(row.expected_burstable_shares).linearWeight
            let bestEffort = CPUShares(row.expected_besteffort_shares).linearWeight
            #expect(plan[.pods(.burstable)]?["cpu.weight"] == "\(burstable)", "\(row.test)")
            #expect(plan[.pods(.bestEffort)]?["cpu.weight"] == "\(bestEffort)", "\(row.test)")
            #expect(plan[.allPods]?["cpu.weight"] == nil, "\(row.test)")
        }
    }

    @Test func `A quota prints as cpu.max`() {
        #expect(CPUQuota(microseconds: 20_000).description == "20000 100000")
        #expect(CPUQuota(microseconds: -1, period: 0).description == "max 100000")
        #expect(CPUQuota.unlimited(period: 5_000).description == "max 5000")
    }

    @Test func `Extreme amounts stop at the ends`() {
        #expect(CPUShares(milliCPU: .max) == .maximum)
        #expect(CPUShares(milliCPU: .min) == .minimum)
        #expect(CPUShares(UInt64.max).linearWeight == 10_000)
        #expect(CPUShares(linearWeight: 0) == .minimum)
        #expect(CPUQuota(milliCPU: .max)?.microseconds == .max)
        #expect(CPUQuota(milliCPU: -5)?.microseconds == 1_000)
    }
}
