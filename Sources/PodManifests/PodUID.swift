// SPDX-License-Identifier: Apache-2.0

import NodeModel

/// The uid of a pod, where the API server has given none.
enum PodUID {
    /// A uid that is the same for the same namespace and name on every machine, so that planning, applying and deleting
    /// find the same control groups: the 128-bit FNV-1a hash of `namespace/name`, written as a UUID of version 8, the
    /// version for hashes of one's own choice (RFC 9562).
    static func derived(namespace: String, name: String) -> String {
        var hash = ContentHash.value("\(namespace)/\(name)")
        hash = hash & ~(0xf << 76) | (8 << 76)
        hash = hash & ~(0x3 << 62) | (2 << 62)
        let digits = String(hash, radix: 16)
        let padded = String(repeating: "0", count: 32 - digits.count) + digits
        var uid = ""
        for (index, digit) in padded.enumerated() {
            if [8, 12, 16, 20].contains(index) { uid.append("-") }
            uid.append(digit)
        }
        return uid
    }

    /// Why a uid cannot name the pod's control group; nil when it can.
    static func problem(_ uid: String) -> String? {
        if uid.isEmpty { return "is empty" }
        do {
            let layout = PodCgroupLayout()
            let name = try layout.name(ofPod: uid, class: .burstable)
            if layout.podUID(of: name) == nil {
                return "'\(uid)' holds 'pod', so its control group cannot be told apart"
            }
            return nil
        } catch {
            return "\(error)"
        }
    }
}
