// SPDX-License-Identifier: Apache-2.0

internal import CLibseccomp

/// A system call as a filter sees it. C name: `struct seccomp_data`.
public struct SystemCall: Hashable, Sendable {
    /// Its number, as the architecture has it; those of x32 carry a bit of their own (`__X32_SYSCALL_BIT`).
    public var number: UInt32
    /// The architecture that it is made for.
    public var architecture: SeccompFilter.Architecture
    /// Up to six arguments; those that are missing are zero.
    public var arguments: [UInt64]

    /// A system call by number.
    public init(
        number: UInt32, on architecture: SeccompFilter.Architecture = .native, arguments: [UInt64] = []
    ) {
        self.number = number
        self.architecture = architecture
        self.arguments = arguments
    }

    /// A system call by name; nil where libseccomp does not know it, or the architecture does not have it.
    public init?(
        named name: String, on architecture: SeccompFilter.Architecture = .native, arguments: [UInt64] = []
    ) {
        let number = unsafe seccomp_syscall_resolve_name_arch(architecture.token, name)
        guard number >= 0 else { return nil }
        self.init(number: UInt32(number), on: architecture, arguments: arguments)
    }

    /// Whether the installed libseccomp knows the name on any architecture.
    public static func isKnown(_ name: String) -> Bool { syscallNumber(name) != nil }

    /// The names of an architecture's system calls that the installed libseccomp knows, by number.
    public static func names(on architecture: SeccompFilter.Architecture) -> [String] {
        numbers(on: architecture).compactMap { number in
            guard let name = unsafe seccomp_syscall_resolve_num_arch(architecture.token, number) else { return nil }
            defer { unsafe bk_seccomp_free(name) }
            return unsafe String(cString: name)
        }
    }

    // 32-bit ARM has a few of its own far above the others.
    private static func numbers(on architecture: SeccompFilter.Architecture) -> [Int32] {
        let base: Int32 = architecture == .x32 ? 0x4000_0000 : 0
        return (0..<1024).map { base + $0 } + (architecture == .arm ? (0xf0001..<0xf0010).map { $0 } : [])
    }
}

extension CompiledFilter {
    /// What the program answers to a system call: the program itself is run, as the kernel runs it. Nil where it is no
    /// program that a kernel takes.
    public func action(on call: SystemCall) -> SeccompFilter.Action? {
        var accumulator: UInt32 = 0
        var counter = 0
        // A program has only forward jumps, so it ends.
        while instructions.indices.contains(counter) {
            let word = instructions[counter]
            let (ifTrue, ifFalse) = (Int(word >> 16 & 0xff), Int(word >> 24 & 0xff))
            let operand = UInt32(word >> 32)
            counter += 1
            switch word & 0xffff {
            case 0x20:  // load a word of the call
                guard let loaded = call.word(at: operand) else { return nil }
                accumulator = loaded
            case 0x54: accumulator &= operand
            case 0x05: counter += Int(operand)
            case 0x15: counter += accumulator == operand ? ifTrue : ifFalse
            case 0x25: counter += accumulator > operand ? ifTrue : ifFalse
            case 0x35: counter += accumulator >= operand ? ifTrue : ifFalse
            case 0x45: counter += accumulator & operand != 0 ? ifTrue : ifFalse
            case 0x06: return SeccompFilter.Action(code: operand)
            default: return nil
            }
        }
        return nil
    }
}

extension SystemCall {
    fileprivate func word(at offset: UInt32) -> UInt32? {
        switch offset {
        case 0: return number
        case 4: return architecture.auditNumber
        case 8, 12: return 0  // the instruction pointer
        case 16..<64 where offset.isMultiple(of: 4):
            let index = Int(offset - 16) / 8
            let value = arguments.indices.contains(index) ? arguments[index] : 0
            return UInt32(truncatingIfNeeded: offset.isMultiple(of: 8) ? value : value >> 32)
        default: return nil
        }
    }
}

extension SeccompFilter.Action {
    /// The action of the kernel's 32-bit answer; what a kernel does not know kills the process.
    init(code: UInt32) {
        let data = UInt16(truncatingIfNeeded: code)
        self =
            switch code & 0xffff_0000 {
            case 0x0000_0000: .killThread
            case 0x0003_0000: .trap
            case 0x0005_0000: .errno(data)
            case 0x7fc0_0000: .notify
            case 0x7ff0_0000: .trace(data)
            case 0x7ffc_0000: .log
            case 0x7fff_0000: .allow
            default: .killProcess
            }
    }
}

extension SeccompFilter.Test {
    /// Whether it holds for an argument.
    public func holds(for value: UInt64) -> Bool {
        switch self {
        case .notEqual(let other): value != other
        case .less(let other): value < other
        case .lessOrEqual(let other): value <= other
        case .equal(let other): value == other
        case .greaterOrEqual(let other): value >= other
        case .greater(let other): value > other
        case .maskedEqual(let mask, let other): value & mask == other
        }
    }
}
