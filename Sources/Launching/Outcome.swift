// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// Where an init tells how its command ended: a pipe to the caller, or a file that outlives it.
enum Outcome: ~Copyable {
    case pipe(Pipe)
    case file(OutcomeFile)

    init(_ file: SharedDescriptor?) throws(KernelError) {
        if let file { self = .file(try OutcomeFile(file)) } else { self = .pipe(try Pipe()) }
    }

    /// The number of the init's end.
    var number: CInt {
        switch self {
        case .pipe(let pipe): pipe.writing.number
        case .file(let file): file.writing.number
        }
    }

    /// Closes the init's end.
    consuming func intoReading() -> Descriptor {
        switch consume self {
        case .pipe(let pipe): pipe.intoReading()
        case .file(let file): file.intoReading()
        }
    }
}

/// A file that is open twice: what the init writes moves its own place in it only.
struct OutcomeFile: ~Copyable {
    let writing: Descriptor
    private let reading: Descriptor

    init(_ file: SharedDescriptor) throws(KernelError) {
        let own = try file.descriptor.duplicate()
        let again = try Descriptor.open(FilePath("/proc/self/fd/\(file.descriptor.number)"), .reading)
        writing = own
        reading = again
    }

    consuming func intoReading() -> Descriptor { reading }
}

extension ExitStatus {
    /// How a command ended, from what its init wrote into ``Launch/outcome``; nil while it has written nothing, and for ever
    /// when the init was killed.
    public init?(outcome bytes: [UInt8]) {
        guard bytes.count == 8 else { return nil }
        func number(_ at: Int) -> Int32 {
            (0..<4).reduce(0) { $0 | Int32(bytes[at + $1]) << (8 * Int32($1)) }
        }
        // CLD_EXITED; the others are CLD_KILLED and CLD_DUMPED.
        self = number(0) == 1 ? .exited(number(4)) : .killed(signal: number(4))
    }
}
