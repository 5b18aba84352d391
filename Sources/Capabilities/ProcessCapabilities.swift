// SPDX-License-Identifier: Apache-2.0

internal import CLibcap

/// The five capability sets of a thread, as the kernel holds them.
public struct ProcessCapabilities: Hashable, Sendable {
    /// What permission checks look at.
    public var effective: CapabilitySet
    /// What may be made effective.
    public var permitted: CapabilitySet
    /// What a program file may take over at `execve`.
    public var inheritable: CapabilitySet
    /// What can be gained at all.
    public var bounding: CapabilitySet
    /// What a program without file capabilities keeps at `execve`. Since Linux 4.3.
    public var ambient: CapabilitySet

    /// Sets of one's own.
    public init(
        effective: CapabilitySet, permitted: CapabilitySet, inheritable: CapabilitySet = [],
        bounding: CapabilitySet = .supported, ambient: CapabilitySet = []
    ) {
        self.effective = effective
        self.permitted = permitted
        self.inheritable = inheritable
        self.bounding = bounding
        self.ambient = ambient
    }

    /// The sets of the calling thread.
    public static func current() throws(CapabilityError) -> ProcessCapabilities {
        try ProcessCapabilities(reading: 0)
    }

    /// The sets of a process's main thread.
    public static func of(pid: Int32) throws(CapabilityError) -> ProcessCapabilities {
        // libcap takes 0 and negative numbers for the caller.
        if pid <= 0 { throw .unreadable(pid: pid, call: "cap_get_pid", errno: ESRCH) }
        return try ProcessCapabilities(reading: pid)
    }

    private init(reading pid: Int32) throws(CapabilityError) {
        var sets: cap_t?
        let read = unsafe bk_cap_get(pid, &sets)
        guard read == 0, let sets = unsafe sets else {
            throw .unreadable(pid: pid, call: pid == 0 ? "cap_get_proc" : "cap_get_pid", errno: -read)
        }
        defer { unsafe cap_free(UnsafeMutableRawPointer(sets)) }

        var vectors: cap_iab_t?
        let readVectors = unsafe bk_cap_iab_get(pid, &vectors)
        guard readVectors == 0, let vectors = unsafe vectors else {
            throw .unreadable(pid: pid, call: pid == 0 ? "cap_iab_get_proc" : "cap_iab_get_pid", errno: -readVectors)
        }
        defer { unsafe cap_free(UnsafeMutableRawPointer(vectors)) }

        effective = CapabilitySet(bits: unsafe bk_cap_mask(sets, CAP_EFFECTIVE))
        permitted = CapabilitySet(bits: unsafe bk_cap_mask(sets, CAP_PERMITTED))
        inheritable = CapabilitySet(bits: unsafe bk_cap_mask(sets, CAP_INHERITABLE))
        ambient = CapabilitySet(bits: unsafe bk_cap_iab_mask(vectors, CAP_IAB_AMB))
        bounding = CapabilitySet.supported.subtracting(
            CapabilitySet(bits: unsafe bk_cap_iab_mask(vectors, CAP_IAB_BOUND)))
    }
}

extension ProcessCapabilities: CustomStringConvertible {
    /// A line a set, with its names.
    public var description: String {
        """
        effective: \(effective)
        permitted: \(permitted)
        inheritable: \(inheritable)
        bounding: \(bounding)
        ambient: \(ambient)
        """
    }
}
