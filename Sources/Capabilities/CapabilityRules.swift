// SPDX-License-Identifier: Apache-2.0

/// What an `execve` means for capabilities: who executes what.
///
/// Ids are inside the process's user namespace: there 0 is root, whatever it is outside. A file on a `nosuid` mount has
/// neither ``file`` nor ``setUserID``; nor has one whose capabilities or owner count in another user namespace only.
public struct ProgramExecution: Hashable, Sendable {
    /// The process's real user id.
    public var realUserID: UInt32
    /// Its effective user id.
    public var effectiveUserID: UInt32
    /// The capabilities of the program's file.
    public var file: FileCapabilities?
    /// The file's owner, where its set-user-ID bit is set.
    public var setUserID: UInt32?
    /// Whether the file's set-group-ID bit gives the process another group.
    public var changesGroup = false
    /// Whether the process has given up gaining privileges (`PR_SET_NO_NEW_PRIVS`).
    public var noNewPrivileges = false
    /// Whether user id 0 means nothing to this process. C name: `SECBIT_NOROOT`.
    public var ignoresRoot = false

    /// A plain program, executed by a user.
    public init(by userID: UInt32, of file: FileCapabilities? = nil) {
        realUserID = userID
        effectiveUserID = userID
        self.file = file
    }
}

extension ProcessCapabilities {
    /// What the sets are after an `execve`, by the kernel's rules (capabilities(7), "Transformation of capabilities
    /// during execve()"). Throws where the kernel refuses: a file with the effective bit must get all it asks for.
    public func after(_ execution: ProgramExecution) throws(CapabilityError) -> ProcessCapabilities {
        // set-ID bits are passed over under no_new_privs; file capabilities are looked at and give nothing.
        let setUserID = execution.noNewPrivileges ? nil : execution.setUserID
        let changesGroup = !execution.noNewPrivileges && execution.changesGroup
        let userID = setUserID ?? execution.effectiveUserID
        var gained: CapabilitySet = []
        var isEffective = false
        if let file = execution.file {
            gained = file.permitted.intersection(bounding).union(file.inheritable.intersection(inheritable))
            isEffective = file.isEffective
            let missing = file.permitted.subtracting(gained)
            if isEffective, !missing.isEmpty { throw .executionRefused(missing: missing) }
        }
        // Root gets everything, but for a set-user-ID root program with capabilities of its own: those count then.
        let isOthersSetID = execution.file != nil && userID == 0 && execution.realUserID != 0
        if !execution.ignoresRoot, !isOthersSetID {
            if userID == 0 || execution.realUserID == 0 { gained = bounding.union(inheritable) }
            if userID == 0 { isEffective = true }
        }
        let changesID = userID != execution.realUserID || changesGroup
        if execution.noNewPrivileges, changesID || !gained.isSubset(of: permitted) {
            gained.formIntersection(permitted)
        }
        var next = self
        // Either kind of privileged program starts without what its caller made ambient.
        next.ambient = execution.file != nil || changesID ? [] : ambient
        next.permitted = gained.union(next.ambient)
        next.effective = isEffective ? next.permitted : next.ambient
        return next
    }

    /// Takes capabilities out of all five sets: the process never has them again, whatever it executes.
    public mutating func drop(_ capabilities: CapabilitySet) { keep(CapabilitySet(bits: ~capabilities.bits)) }

    /// Takes all but these out of all five sets.
    public mutating func keep(_ capabilities: CapabilitySet) {
        effective.formIntersection(capabilities)
        permitted.formIntersection(capabilities)
        inheritable.formIntersection(capabilities)
        bounding.formIntersection(capabilities)
        ambient.formIntersection(capabilities)
    }

    /// Makes capabilities ambient, so that plain programs keep them. They must be permitted and inheritable.
    /// C name: `PR_CAP_AMBIENT_RAISE`. Since Linux 4.3.
    public mutating func raiseAmbient(_ capabilities: CapabilitySet) throws(CapabilityError) {
        let others = capabilities.subtracting(permitted.intersection(inheritable))
        if !others.isEmpty { throw .notRaisable(others) }
        ambient.formUnion(capabilities)
    }

    /// What is wrong with these sets, which no process can have: nil where a process can.
    public var contradiction: String? {
        func outside(_ name: String, _ set: CapabilitySet, _ other: String, _ whole: CapabilitySet) -> String? {
            let rest = set.subtracting(whole)
            return rest.isEmpty ? nil : "\(rest) is \(name) and not \(other)"
        }
        return outside("effective", effective, "permitted", permitted)
            ?? outside("ambient", ambient, "permitted", permitted)
            ?? outside("ambient", ambient, "inheritable", inheritable)
    }
}
