// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import PodManifests
internal import SystemPackage
internal import ToolOutput

/// `bulkhead delete`: removes pods' cgroups, and what they claimed above.
struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Ends pods: kills their processes, removes their cgroups, lowers what they claimed above.",
        discussion: """
            POD is a uid, a name, or NAMESPACE/NAME. Processes end by SIGKILL, as a kubelet ends them at last.

            Examples:
              bulkhead delete default/db
              bulkhead delete -f pods/ --dry-run
            """)

    @OptionGroup var place: TreePlaceOptions
    @OptionGroup var change: TreeChangeOptions

    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .singleValue,
        help: .init("Pods as `apply` takes them.", valueName: "file"), completion: .file())
    var files: [String] = []

    @Flag(help: "A pod that is not there is no error.")
    var ignoreNotFound = false

    @Flag(help: "Every pod that `apply` has made.")
    var all = false

    @Option(help: .init("Seconds that a pod's processes may take to end.", valueName: "seconds"))
    var timeout: UInt32 = 10

    @Flag(help: "Print one JSON document.")
    var json = false

    @Argument(help: .init("A pod's uid, name, or NAMESPACE/NAME.", valueName: "pod"))
    var pods: [String] = []

    func validate() throws {
        if pods.isEmpty && files.isEmpty && !all {
            throw ValidationError("no pods: name them, give them by -f FILE, or take --all")
        }
    }

    func run() throws {
        let tree = try change.open(place.layout())
        let present: [PodTreeEntry]
        do { present = try tree.pods() } catch { throw ToolFailure(error) }
        var uids = try pods.map { try Self.uid($0, present) }
        for file in try ManifestFile.all(files) { uids += try file.manifest().pods.map(\.uid) }
        if all { uids += present.filter { $0.claim != nil }.map(\.uid) }
        var seen: Set<String> = []
        uids = uids.filter { seen.insert($0).inserted }
        let known = Set(present.map(\.uid))
        let missing = uids.filter { !known.contains($0) }
        if change.dryRun {
            let found = present.filter { seen.contains($0.uid) }
            if json {
                try Output.print([
                    "dryRun": true, "deleted": .strings(found.map(\.uid)), "missing": .strings(missing),
                ])
            } else {
                for entry in found { try Output.print("remove \(entry.path)") }
            }
        } else if present.contains(where: { seen.contains($0.uid) }) || !missing.isEmpty {
            try remove(uids, from: tree, missing)
        }
        if !missing.isEmpty && !ignoreNotFound {
            throw ToolFailure(
                .failed, missing.map { "no pod \($0.printable) is here" }.joined(separator: "\nbulkhead: "))
        }
    }

    private func remove(_ uids: [String], from tree: borrowing PodTree, _ missing: [String]) throws {
        let result: (outcome: PodTreeOutcome, missing: [String])
        do throws(PodTreeError) {
            result = try tree.delete(uids, timeout: .seconds(Int64(timeout)), options: change.treeOptions)
        } catch {
            // Nothing was ever made here: there is nothing to delete, which is told below.
            if case .kernel(let error) = error, error.errno == .noSuchFileOrDirectory, missing == uids { return }
            throw ToolFailure(error)
        }
        result.outcome.warnings.complain()
        let deleted = uids.filter { !result.missing.contains($0) }
        if json {
            try Output.print([
                "dryRun": false, "deleted": .strings(deleted), "missing": .strings(result.missing),
                "metrics": .object(result.outcome.memoryPlan.metrics.gauges.map { .init($0.name, .integer($0.value)) }),
                "steps": result.outcome.plan.json,
            ])
        } else {
            try Output.print("\(deleted.count) \(deleted.count == 1 ? "pod" : "pods") deleted")
        }
    }

    /// The uid of a pod by any of its names.
    private static func uid(_ text: String, _ present: [PodTreeEntry]) throws(ToolFailure) -> String {
        if present.contains(where: { $0.uid == text }) { return text }
        let named = present.filter { entry in
            guard let claim = entry.claim else { return false }
            return claim.name == text || "\(claim.namespace)/\(claim.name)" == text
        }
        if named.count > 1 {
            let names = named.compactMap { entry in entry.claim.map { "\($0.namespace)/\($0.name)" } }
            throw ToolFailure(
                .failed, "\(text.printable) is the name of several pods: \(names.joined(separator: ", "))")
        }
        return named.first?.uid ?? text
    }
}

/// Where the pods' cgroups are, for commands that need nothing else of the node.
struct TreePlaceOptions: ParsableArguments {
    @Option(
        help: .init("Who makes the cgroups: cgroupfs or systemd.", valueName: "driver"), transform: OptionValue.choice)
    var driver: CgroupDriver?

    @Option(help: .init("The cgroup that holds all pods (kubepods).", valueName: "name"))
    var root: String?

    /// The layout.
    func layout() throws -> PodCgroupLayout {
        let driver = self.driver ?? .cgroupfs
        return PodCgroupLayout(root: try root.map { try PlanOptions.rootName($0, driver) }, driver: driver)
    }
}
