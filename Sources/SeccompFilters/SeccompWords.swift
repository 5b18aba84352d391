// SPDX-License-Identifier: Apache-2.0

extension SeccompFilter.Action: CustomStringConvertible {
    /// In words: `allow`, `fail with EPERM`.
    public var description: String {
        switch self {
        case .killProcess: "kill the process"
        case .killThread: "kill the thread"
        case .trap: "send SIGSYS"
        case .errno(let number): "fail with \(Self.errnoName(number))"
        case .trace(let number): "ask the tracer (\(number))"
        case .notify: "ask the listener"
        case .log: "allow and log"
        case .allow: "allow"
        }
    }

    private static func errnoName(_ number: UInt16) -> String {
        // Of two names for one number the alphabet's first, EAGAIN and not EWOULDBLOCK.
        errnoNames.filter { $0.value == number }.keys.min() ?? "error \(number)"
    }
}

extension SeccompFilter.Argument: CustomStringConvertible {
    /// In words: `argument 0 is 0x10`, `argument 1 masked by 0xff is 0x5`.
    public var description: String {
        func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
        let what = "argument \(index)"
        return switch test {
        case .notEqual(let value): "\(what) is not \(hex(value))"
        case .less(let value): "\(what) is less than \(hex(value))"
        case .lessOrEqual(let value): "\(what) is at most \(hex(value))"
        case .equal(let value): "\(what) is \(hex(value))"
        case .greaterOrEqual(let value): "\(what) is at least \(hex(value))"
        case .greater(let value): "\(what) is more than \(hex(value))"
        case .maskedEqual(0xffff_ffff, let value): "the low 32 bits of \(what) are \(hex(value))"
        case .maskedEqual(let mask, 0): "\(what) has none of the bits \(hex(mask))"
        case .maskedEqual(let mask, let value): "\(what) masked by \(hex(mask)) is \(hex(value))"
        }
    }
}

extension SeccompFilter.Rule: CustomStringConvertible {
    /// In words: the action, the names, the conditions.
    public var description: String { "\(action) \(syscalls.joined(separator: ", "))" + conditions }

    /// The conditions by themselves, ` where argument 0 is 0x10 and …`; nothing where there is none.
    public var conditions: String {
        arguments.isEmpty ? "" : " where " + arguments.map(\.description).joined(separator: " and ")
    }

    /// Whether all comparisons hold for these arguments; missing ones are zero.
    public func holds(for arguments: [UInt64]) -> Bool {
        self.arguments.allSatisfy { comparison in
            let index = Int(comparison.index)
            return comparison.test.holds(for: arguments.indices.contains(index) ? arguments[index] : 0)
        }
    }
}
