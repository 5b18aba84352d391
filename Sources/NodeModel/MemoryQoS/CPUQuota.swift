// SPDX-License-Identifier: Apache-2.0

/// How long the processes of a control group may run in each period: the value of `cpu.max`.
///
/// Source: Kubernetes, pkg/kubelet/cm/helpers_linux.go; opencontainers/cgroups, fs2/cpu.go.
public struct CPUQuota: Sendable, Hashable {
    /// Microseconds of running time in each period; nil for no limit.
    public let microseconds: Int64?
    /// Microseconds in a period.
    public let period: UInt64

    /// The period used unless said otherwise: a tenth of a second.
    public static let defaultPeriod: UInt64 = 100_000
    /// The shortest running time the kernel takes.
    public static let shortest: Int64 = 1_000

    /// A quota; zero and below mean no limit, a period of zero the default one.
    public init(microseconds: Int64?, period: UInt64 = CPUQuota.defaultPeriod) {
        self.microseconds = microseconds.flatMap { $0 > 0 ? $0 : nil }
        self.period = period == 0 ? Self.defaultPeriod : period
    }

    /// No limit.
    public static func unlimited(period: UInt64 = CPUQuota.defaultPeriod) -> CPUQuota {
        CPUQuota(microseconds: nil, period: period)
    }

    /// The quota of a limit in millicpus, at least ``shortest``; nil when there is no limit (zero).
    public init?(milliCPU: Int64, period: UInt64 = CPUQuota.defaultPeriod) {
        if milliCPU == 0 { return nil }
        let exact = Int128(milliCPU) * Int128(period) / 1000
        self.init(microseconds: max(Int64(clamping: exact), Self.shortest), period: period)
    }

    /// The millicpus this quota stands for, rounded down; zero for no limit.
    public var milliCPU: Int64 {
        Int64(clamping: Int128(microseconds ?? 0) * 1000 / Int128(period))
    }
}

extension CPUQuota: CustomStringConvertible {
    /// The text of `cpu.max`: `20000 100000`, or `max 100000`.
    public var description: String { (microseconds.map(String.init) ?? "max") + " \(period)" }
}
