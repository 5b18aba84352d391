// SPDX-License-Identifier: Apache-2.0

import Cgroups
import NodeModel

/// A quantity prints what reads as itself, its parts and sums do not trap, and order agrees with sums.
func checkQuantity(_ text: String) {
    let halves = text.split(separator: " ", maxSplits: 1).map(String.init)
    let amounts = halves.compactMap { try? Quantity(parsing: $0) }
    for amount in amounts {
        require((try? Quantity(parsing: "\(amount)")) == amount, "\(amount) does not read as itself")
        let inWhole = Quantity(amount.value)
        require(amount < .zero ? inWhole <= amount : inWhole >= amount, "\(amount) is rounded towards zero")
        _ = amount.milliValue
    }
    if amounts.count == 2 {
        let sum = amounts[0] + amounts[1]
        require(amounts[1] < .zero || sum >= amounts[0], "\(amounts) add up to \(sum)")
    }
    for half in halves {
        guard let bytes = try? ByteCount(parsing: half) else { continue }
        require((try? ByteCount(parsing: "\(bytes)")) == bytes, "\(bytes) does not read as itself")
        require(bytes + .max == .max && bytes - bytes == (bytes == .max ? .max : .zero), "arithmetic of \(bytes)")
        let headroom = MinHeadroom.percent(UInt8(truncatingIfNeeded: bytes.bytes))
        require(headroom.protectable(under: bytes) <= bytes, "headroom of \(bytes)")
    }
    if let number = Double(text), let factor = try? ThrottlingFactor(number), let request = amounts.first {
        let limit = ByteCount(UInt64(clamping: request.value))
        _ = MemoryHigh.limit(
            request: .zero, limit: limit, nodeAllocatable: .max, factor: factor, pageSize: ByteCount(4096))
    }
}

/// What an interface file's value is written as reads as that value; a status file's lines are kept.
func checkInterfaceFiles(_ text: String) {
    func checkRoundTrip<Value: InterfaceValue & Equatable>(_ type: Value.Type) {
        guard let value = Value(kernelText: text[...]) else { return }
        require(Value(kernelText: value.kernelText[...]) == value, "\(type): \(value.kernelText)")
    }
    checkRoundTrip(ByteCount.self)
    checkRoundTrip(Limit.self)
    checkRoundTrip(CPUQuota.self)
    checkRoundTrip(Bool.self)
    if let counters = Counters(kernelText: text[...]) {
        let printed = counters.entries.map { "\($0.key) \($0.value)\n" }.joined()
        require(Counters(kernelText: printed[...]) == counters, "counters: \(printed)")
        for entry in counters.entries { require(counters[entry.key] != nil, "no \(entry.key)") }
    }
    _ = MemoryEvents(kernelText: text[...])
    _ = CPUStatistics(kernelText: text[...])
    _ = Pressure(kernelText: text[...])
    if let list = try? ProcessIDList(parsing: text) {
        let printed = list.ids.map(String.init).joined(separator: "\n")
        require((try? ProcessIDList(parsing: printed)) == list, "process ids: \(printed)")
    }
}
