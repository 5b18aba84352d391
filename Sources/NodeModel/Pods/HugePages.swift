// SPDX-License-Identifier: Apache-2.0

extension ResourceList {
    /// The bytes of huge pages named here, by page size. Two spellings of one size (`hugepages-2Mi`,
    /// `hugepages-2097152`) add up; what does not name a page size is left out.
    ///
    /// Source: Kubernetes, pkg/kubelet/cm/helpers_linux.go, HugePageLimits.
    public var hugePages: [ByteCount: ByteCount] {
        var sums: [ByteCount: ByteCount] = [:]
        for (name, amount) in amounts where name.hasPrefix(Self.hugePagesPrefix) {
            let text = String(name.dropFirst(Self.hugePagesPrefix.count))
            guard let size = try? ByteCount(parsing: text), size > .zero, size < .max else { continue }
            sums[size, default: .zero] += ByteCount(UInt64(clamping: amount.value))
        }
        return sums
    }
}
