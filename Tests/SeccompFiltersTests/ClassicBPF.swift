// SPDX-License-Identifier: Apache-2.0

import Testing

extension Trait where Self == ConditionTrait {
    /// The interpreter's calls carry x86-64's architecture and numbers.
    static var x86Numbers: Self {
        #if arch(x86_64)
            .enabled(if: true)
        #else
            .disabled("written in x86-64's system call numbers")
        #endif
    }
}

/// Runs a seccomp program as the kernel does: an oracle that gives every call's verdict without privilege.
struct ClassicBPF {
    struct Fault: Error { var counter: Int, code: UInt16 }

    /// What the kernel hands to a program. C name: `struct seccomp_data`.
    struct Call {
        var number: Int32
        var architecture: UInt32 = 0xc000_003e
        var arguments: [UInt64] = []

        func word(at offset: UInt32) -> UInt32? {
            switch offset {
            case 0: return UInt32(bitPattern: number)
            case 4: return architecture
            case 16..<64 where offset.isMultiple(of: 4):
                let index = Int(offset - 16) / 8
                let value = index < arguments.count ? arguments[index] : 0
                return UInt32(truncatingIfNeeded: offset.isMultiple(of: 8) ? value : value >> 32)
            default: return nil
            }
        }
    }

    var program: [UInt64]
    var steps = 0

    init(_ program: [UInt64]) { self.program = program }

    /// The program's 32-bit answer.
    mutating func run(_ call: Call) throws -> UInt32 {
        var accumulator: UInt32 = 0
        var counter = 0
        steps = 0
        while program.indices.contains(counter) {
            let word = program[counter]
            let code = UInt16(truncatingIfNeeded: word)
            let ifTrue = Int(word >> 16 & 0xff)
            let ifFalse = Int(word >> 24 & 0xff)
            let operand = UInt32(word >> 32)
            counter += 1
            steps += 1
            switch code {
            case 0x20:  // ld [k]
                guard let loaded = call.word(at: operand) else { throw Fault(counter: counter, code: code) }
                accumulator = loaded
            case 0x54: accumulator &= operand
            case 0x05: counter += Int(operand)
            case 0x15: counter += accumulator == operand ? ifTrue : ifFalse
            case 0x25: counter += accumulator > operand ? ifTrue : ifFalse
            case 0x35: counter += accumulator >= operand ? ifTrue : ifFalse
            case 0x45: counter += accumulator & operand != 0 ? ifTrue : ifFalse
            case 0x06: return operand
            default: throw Fault(counter: counter, code: code)
            }
        }
        throw Fault(counter: counter, code: 0)
    }
}

let allow: UInt32 = 0x7fff_0000
func failing(_ errno: UInt32) -> UInt32 { 0x0005_0000 | errno }
