// SPDX-License-Identifier: Apache-2.0

extension Pod {
    /// How soon a container's processes are killed when the machine runs out of memory (`oom_score_adj`): those of Guaranteed
    /// pods last, of BestEffort pods first, and of Burstable pods the sooner the less they ask for.
    ///
    /// A sidecar is not killed before the containers that it serves.
    ///
    /// Source: kubernetes, pkg/kubelet/qos/policy.go (GetContainerOOMScoreAdjust).
    /// - Parameters:
    ///   - container: the container.
    ///   - capacity: the memory of the machine; nil or zero for unknown, and then nothing is asked for.
    public func oomScoreAdjustment(of container: Container, capacity: ByteCount?) -> Int {
        let guaranteed = -997
        let bestEffort = 1000
        switch qosClass {
        case .guaranteed: return guaranteed
        case .bestEffort: return bestEffort
        case .burstable: break
        }
        var request = container.resources.requests.memoryBytes
        if container.isSidecar {
            request = max(request, spec.containers.map(\.resources.requests.memoryBytes).min() ?? .zero)
        }
        let share = capacity.map { $0 == .zero ? 0 : request.scaled(1000, over: $0) } ?? 0
        return min(bestEffort - 1, max(1000 + guaranteed, 1000 - share))
    }
}

extension ByteCount {
    /// So many parts of a whole that is `total`, rounded down; at most all of them.
    fileprivate func scaled(_ parts: UInt64, over total: ByteCount) -> Int {
        let product = min(bytes, total.bytes).multipliedFullWidth(by: parts)
        return Int(total.bytes.dividingFullWidth(product).quotient)
    }
}
