// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// How the values of options are read; what is thrown says what is wrong with the text.
enum OptionValue {
    /// `512Mi`, `1G`, `4096`.
    static func bytes(_ text: String) throws -> ByteCount {
        let bytes = try ByteCount(parsing: text)
        guard bytes != .max else { throw OptionValueError(text, "is not an amount of memory") }
        return bytes
    }

    /// `4`, `500m`, in millicpus.
    static func milliCPU(_ text: String) throws -> Int64 { try amount(text).milliValue }

    /// One of the spelled cases.
    static func choice<Choice: RawRepresentable<String> & CaseIterable>(_ text: String) throws -> Choice {
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map { $0.rawValue }.joined(separator: ", ")
            throw OptionValueError(text, "is not one of \(known)")
        }
        return choice
    }

    static func amount(_ text: String) throws -> Quantity {
        let quantity = try Quantity(parsing: text)
        guard quantity >= .zero else { throw QuantityError.negative(text) }
        return quantity
    }
}

/// A text that is no value of its option.
struct OptionValueError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ text: String, _ reason: String) { description = "'\(text)' \(reason)" }
}

extension MinHeadroom {
    /// Reads `64Mi` or `10%`.
    init(option text: String) throws {
        guard text.hasSuffix("%") else {
            self = .bytes(try OptionValue.bytes(text))
            return
        }
        guard let percent = UInt8(text.dropLast()), percent <= 100 else {
            throw OptionValueError(text, "is not a share from 0% to 100%")
        }
        self = .percent(percent)
    }
}

/// Sizes of huge pages, or none.
struct HugePageSizes: Hashable, Sendable {
    let sizes: [ByteCount]

    init(parsing text: String) throws {
        sizes =
            try text == "none"
            ? []
            : text.split(separator: ",").map { part in
                let size = try OptionValue.bytes(String(part))
                guard size.bytes.nonzeroBitCount == 1 else {
                    throw OptionValueError(String(part), "is not a power of two")
                }
                return size
            }
    }
}

/// Where throttling begins, or nowhere.
struct FactorOption: Hashable, Sendable {
    let factor: ThrottlingFactor?

    init(parsing text: String) throws {
        if text == "none" {
            factor = nil
            return
        }
        guard let number = Double(text) else { throw OptionValueError(text, "is neither a number nor 'none'") }
        factor = try ThrottlingFactor(number)
    }
}

/// What is set aside: an amount of memory, or amounts by name as the kubelet's own option takes them.
struct ReservedAmounts: Hashable, Sendable {
    private var amounts = NodeResources()

    init(parsing text: String) throws {
        guard text.contains("=") else {
            amounts.memory = try OptionValue.bytes(text)
            return
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { throw OptionValueError(String(part), "is not NAME=QUANTITY") }
            let quantity = try OptionValue.amount(pair[1])
            switch pair[0] {
            case "memory": amounts.memory = try ByteCount(quantity)
            case "cpu": amounts.milliCPU = quantity.milliValue
            case "pid", "ephemeral-storage": break  // The kubelet takes them; nothing here is about them.
            default: throw OptionValueError(pair[0], "is not one of memory, cpu, pid, ephemeral-storage")
            }
        }
    }

    /// Takes over what was said, and leaves the rest.
    func replace(_ resources: inout NodeResources) {
        resources.memory = amounts.memory ?? resources.memory
        resources.milliCPU = amounts.milliCPU ?? resources.milliCPU
    }
}
