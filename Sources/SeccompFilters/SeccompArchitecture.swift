// SPDX-License-Identifier: Apache-2.0

internal import CLibseccomp

extension SeccompFilter {
    /// An architecture by libseccomp's name for it; an open set, which compiling checks.
    public struct Architecture: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// libseccomp's name, such as `x86_64`, `x32` or `aarch64`.
        public let rawValue: String

        /// An architecture by libseccomp's name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Reads libseccomp's, the OCI's (`SCMP_ARCH_X86_64`) and Go's (`amd64`) name. One that the installed libseccomp
        /// is too old for is taken, since a profile may speak of it: a filter for it cannot be compiled.
        public init(parsing text: String) throws(SeccompError) {
            self.init(anyOf: text)
            if token == 0, !Self.names.contains(rawValue) { throw .unknownArchitecture(text) }
        }

        /// The same of any name, for a comparison: one that nobody knows is no machine's.
        init(anyOf text: String) {
            let lower = text.lowercased()
            let name = lower.hasPrefix("scmp_arch_") ? String(lower.dropFirst("scmp_arch_".count)) : lower
            rawValue = Self.goNames[name] ?? name
        }

        /// 64-bit x86.
        public static let amd64 = Architecture(rawValue: "x86_64")
        /// 32-bit x86.
        public static let x86 = Architecture(rawValue: "x86")
        /// 64-bit x86 with 32-bit pointers.
        public static let x32 = Architecture(rawValue: "x32")
        /// 64-bit ARM.
        public static let aarch64 = Architecture(rawValue: "aarch64")
        /// 32-bit ARM.
        public static let arm = Architecture(rawValue: "arm")
        /// 64-bit RISC-V.
        public static let riscv64 = Architecture(rawValue: "riscv64")

        /// The architecture that this code runs on.
        public static var native: Architecture {
            let token = seccomp_arch_native()
            return names.lazy.map(Architecture.init(rawValue:)).first { $0.token == token }
                ?? Architecture(rawValue: "native")
        }

        /// The name.
        public var description: String { rawValue }

        // 0 is libseccomp's "native", and its answer for an unknown name.
        var token: UInt32 { unsafe seccomp_arch_resolve_name(rawValue) }

        /// What the kernel calls it in a system call's data; x32 is x86-64's there. C name: `AUDIT_ARCH_X86_64` and so on.
        public var auditNumber: UInt32 { self == .x32 ? Self.amd64.token : token }

        private static let goNames = [
            "amd64": "x86_64", "386": "x86", "arm64": "aarch64", "amd64p32": "x32", "loong64": "loongarch64",
            "mips64le": "mipsel64", "mips64p32": "mips64n32", "mips64p32le": "mipsel64n32", "mipsle": "mipsel",
        ]
        private static let names = [
            "x86_64", "aarch64", "riscv64", "x86", "arm", "ppc64le", "s390x", "loongarch64", "mips", "mips64",
            "mips64n32", "mipsel", "mipsel64", "mipsel64n32", "ppc", "ppc64", "s390", "parisc", "parisc64", "x32",
            "m68k", "sh", "sheb",
        ]
        static var spellings: [String] { names + Array(goNames.keys) + names.map { "SCMP_ARCH_" + $0.uppercased() } }
    }
}

/// The native number of a system call; negative for one of another architecture, nil for an unknown name.
func syscallNumber(_ name: String) -> Int32? {
    let number = unsafe seccomp_syscall_resolve_name(name)
    return number == __NR_SCMP_ERROR ? nil : number
}
