// SPDX-License-Identifier: Apache-2.0

extension CgroupRecord {
    /// A line for each thing, its words divided by tabs. What this program does not know is refused, not dropped: a
    /// later version wrote it.
    private static let version = "bulkhead-record\t1"

    /// The text of the extended attribute.
    public var text: String {
        var lines = [Self.version]
        if isMade { lines.append("made") }
        if let role { lines.append(role.line) }
        for path in elsewhere { lines.append("elsewhere\t\(path)") }
        for path in trees { lines.append("tree\t\(path)") }
        if !enabled.isEmpty { lines.append((["enabled"] + enabled.sorted()).joined(separator: "\t")) }
        for (knob, taken) in values.sorted(by: { $0.key < $1.key }) {
            let values = [taken.before, taken.ours] + (taken.earlier.map { [$0] } ?? [])
            lines.append((["value", knob.file, knob.region ?? ""] + values).joined(separator: "\t"))
        }
        return lines.joined(separator: "\n")
    }

    /// Reads the text of the extended attribute.
    /// - Throws: ``CgroupRecordError`` naming the line that is not understood.
    public init(parsing text: String) throws(CgroupRecordError) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.first == Self.version else { throw .version(lines.first ?? "") }
        lines.removeFirst()
        for line in lines {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            switch words.first {
            case "made" where words.count == 1: isMade = true
            case "elsewhere" where words.count == 2:
                guard let path = try? CgroupPath(parsing: words[1]) else { throw .line(line) }
                elsewhere.append(path)
            case "tree" where words.count == 2:
                guard let path = try? CgroupPath(parsing: words[1]) else { throw .line(line) }
                trees.append(path)
            case "enabled": enabled = Array(words.dropFirst())
            case "value" where words.count == 5 || words.count == 6:
                let knob = ControlKnob(words[1], region: words[2].isEmpty ? nil : words[2])
                values[knob] = Taken(before: words[3], ours: words[4], earlier: words.count == 6 ? words[5] : nil)
            default:
                guard let role = Role(words) else { throw .line(line) }
                self.role = role
            }
        }
    }
}

extension CgroupRecord.Role {
    fileprivate var line: String {
        let words: [String] =
            switch self {
            case .pods: ["pods"]
            case .container(let request): ["container", "\(request)"]
            case .tree(let isSettled, let named):
                ["own", isSettled ? "settled" : "open"] + named.map { "\($0)" }
            case .member(let named): ["member"] + named.map { "\($0)" }
            case .pod(let claim):
                [
                    "pod", claim.qosClass.rawValue, "\(claim.request)", "\(claim.milliCPU)", claim.namespace.oneWord,
                    claim.name.oneWord,
                ]
            case .allPods(let ledger):
                [
                    "ledger", ledger.policy.rawValue, ledger.behaviour.rawValue, ledger.isSettled ? "settled" : "open",
                    "\(ledger.totals.pods)", "\(ledger.totals.guaranteed)", "\(ledger.totals.burstable)",
                    "\(ledger.totals.burstableMilliCPU)",
                ] + ledger.shared.flatMap { ["\($0.children)", "\($0.foreignMin)", "\($0.foreignLow)"] }
            }
        return words.joined(separator: "\t")
    }

    fileprivate init?(_ words: [String]) {
        switch words.first {
        case "pods" where words.count == 1: self = .pods
        case "container" where words.count == 2:
            guard let request = try? ByteCount(parsing: words[1]) else { return nil }
            self = .container(request: request)
        case "pod" where words.count == 6:
            guard let qosClass = QoSClass(rawValue: words[1]), let request = try? ByteCount(parsing: words[2]),
                let milliCPU = Int64(words[3])
            else { return nil }
            self = .pod(
                PodClaim(
                    namespace: words[4], name: words[5], qosClass: qosClass, request: request, milliCPU: milliCPU))
        case "own" where words.count >= 2 && ["settled", "open"].contains(words[1]):
            self = .tree(isSettled: words[1] == "settled", named: words.dropFirst(2).map(ControlKnob.init(described:)))
        case "member": self = .member(named: words.dropFirst().map(ControlKnob.init(described:)))
        case "ledger":
            guard let ledger = PodLedger(words.dropFirst()) else { return nil }
            self = .allPods(ledger)
        default: return nil
        }
    }
}

extension ControlKnob {
    /// Reads what ``description`` prints.
    fileprivate init(described text: String) {
        let file = text.prefix { $0 != "[" }
        let region = text.dropFirst(file.count + 1).dropLast()
        self.init(String(file), region: region.isEmpty ? nil : String(region))
    }
}

extension PodLedger {
    fileprivate init?(_ words: ArraySlice<String>) {
        let words = Array(words)
        guard words.count >= 7, (words.count - 7).isMultiple(of: 3), ["settled", "open"].contains(words[2]),
            let policy = MemoryReservationPolicy(rawValue: words[0]),
            let behaviour = KubeletBehaviour(rawValue: words[1]), let pods = Int(words[3]),
            let guaranteed = try? ByteCount(parsing: words[4]), let burstable = try? ByteCount(parsing: words[5]),
            let milliCPU = Int64(words[6])
        else { return nil }
        var shared: [Shared] = []
        for start in stride(from: 7, to: words.count, by: 3) {
            guard let children = UInt64(words[start]), let min = try? ByteCount(parsing: words[start + 1]),
                let low = try? ByteCount(parsing: words[start + 2])
            else { return nil }
            shared.append(Shared(children: children, foreignMin: min, foreignLow: low))
        }
        self.init(
            policy: policy, behaviour: behaviour, isSettled: words[2] == "settled",
            totals: PodTotals(
                guaranteed: guaranteed, burstable: burstable, burstableMilliCPU: milliCPU, pods: pods),
            shared: shared)
    }
}

extension String {
    /// Without what divides words and lines: a name comes from a manifest, and nobody has checked it.
    fileprivate var oneWord: String { String(unicodeScalars.map { $0.value < 32 ? "?" : Character($0) }) }
}

/// Why a record on a control group is not understood.
public enum CgroupRecordError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It is of another version.
    case version(String)
    /// A line of it is not known.
    case line(String)

    /// Names the text.
    public var description: String {
        switch self {
        case .version(let text): "the record begins with '\(text)', which this version does not know"
        case .line(let text): "the record has the line '\(text)', which this version does not know"
        }
    }
}
