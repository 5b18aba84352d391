// SPDX-License-Identifier: Apache-2.0

internal import Mounts
internal import NodeModel
internal import ToolOutput

/// What `bulkhead shift` tells in the end.
struct ShiftReport {
    enum State: String {
        case dryRun = "dry-run"
        case shifted
        case resumed
        case rolledBack = "rolled-back"
        case nothing
    }

    var path: String
    var state: State
    var map: IDMap?
    var jobs: Int?
    var survey: ShiftSurvey?
    var outcome: ShiftOutcome?

    /// The look at the tree, whichever it came with.
    private var look: ShiftSurvey? { survey ?? outcome?.survey }

    var json: JSON {
        var members: [JSON.Member] = [
            .init("path", .string(path)), .init("state", .string(state.rawValue)),
            .init("map", .optional(map.map { "\($0)" })),
        ]
        if let outcome {
            members += [
                .init("changed", .integer(outcome.changed)), .init("right", .integer(outcome.right)),
                .init("links", .integer(outcome.links)), .init("mounts", .integer(outcome.mounts)),
                .init("vanished", .integer(outcome.vanished)), .init("seconds", .decimal(outcome.seconds)),
            ]
        }
        members.append(.init("survey", look.map(Self.json) ?? .null))
        if state == .dryRun, let survey {
            members.append(.init("estimatedSeconds", .decimal(survey.estimatedSeconds(jobs: jobs ?? 2))))
        }
        return .object(members)
    }

    private static func json(_ survey: ShiftSurvey) -> JSON {
        func ids(_ ids: [UInt32: String]) -> JSON {
            .array(
                ids.sorted { $0.key < $1.key }.map {
                    .object([.init("id", .integer($0.key)), .init("path", .string($0.value))])
                })
        }
        return .object([
            .init("names", .integer(survey.names)), .init("directories", .integer(survey.directories)),
            .init("toChange", .integer(survey.toChange)), .init("right", .integer(survey.right)),
            .init("special", .integer(survey.special)), .init("mounts", .integer(survey.mounts)),
            .init("unmapped", .integer(survey.unmapped)), .init("unmappedUsers", ids(survey.unmappedUIDs)),
            .init("unmappedGroups", ids(survey.unmappedGIDs)), .init("immutable", .integer(survey.immutable)),
            .init("immutablePaths", .strings(survey.immutablePaths)), .init("problems", .strings(survey.problems)),
            .init("seconds", .decimal(survey.seconds)),
        ])
    }

    var text: String {
        switch state {
        case .dryRun: dryRunText
        case .nothing where outcome == nil: "\(path.printable): no shift is under way; nothing to do"
        case .nothing: "\(path.printable): all \(outcome?.right ?? 0) names are right already; nothing to do"
        case .shifted, .resumed, .rolledBack: outcomeText
        }
    }

    private var outcomeText: String {
        guard let outcome else { return "" }
        let verb =
            switch state {
            case .rolledBack: "rolled back"
            case .resumed: "shifted to the end"
            default: "shifted"
            }
        var text = "\(path.printable): \(verb): \(outcome.changed) inodes changed, \(outcome.right) right already"
        if outcome.links > 0 { text += ", \(outcome.links) further links" }
        return text + ", in \(Self.duration(outcome.seconds))"
    }

    private var dryRunText: String {
        guard let survey else { return "" }
        var lines = ["\(path.printable): \(survey.names) names, \(survey.directories) of directories"]
        func line(_ label: String, _ value: String) { lines.append("  \(label.padded(to: 12))\(value)") }
        line("to change", "\(survey.toChange)")
        line("right", "\(survey.right)")
        if survey.special > 0 { line("special", "\(survey.special) with lists, capabilities or set-id bits") }
        if survey.mounts > 0 { line("mounts", "\(survey.mounts) places, left alone") }
        if survey.unmapped > 0 { line("unmapped", "\(survey.unmapped) names with ids that the map does not know") }
        if survey.immutable > 0 { line("immutable", "\(survey.immutable)") }
        line("estimate", "about \(Self.duration(survey.estimatedSeconds(jobs: jobs ?? 2)))")
        return lines.joined(separator: "\n")
    }

    /// Milliseconds, seconds or minutes, as it suits.
    static func duration(_ seconds: Double) -> String {
        if seconds < 1 { return "\(Int((seconds * 1000).rounded())) ms" }
        if seconds < 100 {
            let tenths = Int((seconds * 10).rounded())
            return "\(tenths / 10).\(tenths % 10) s"
        }
        return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    }
}
