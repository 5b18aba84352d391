// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import ToolOutput

/// `bulkhead apply`: makes the cgroups of pods as `plan` shows them.
struct ApplyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Writes the cgroup values of Kubernetes pods, and all that follows from them above.",
        discussion: """
            Makes the cgroups of the pods and their containers, and writes what `bulkhead plan` computes, beside the pods \
            that are there. At every instant each parent's protection covers its children's. Either everything is done, \
            or what was done is taken back, after Ctrl-C too; after a crash, the next apply goes on from there. Other writers \
            are waited for.

            What cannot hold is refused before the first write: more protection than the machine has memory, or than a \
            control group above has; a memory.max below what is in use.

            Examples:
              bulkhead apply -f pod.yaml --dry-run
              bulkhead apply -f pods/ --system-reserved 1Gi
              bulkhead apply -f pods/ --policy None        # no protection, and no stale value
            """)

    @OptionGroup var options: PlanOptions
    @OptionGroup var change: TreeChangeOptions

    @Flag(name: .shortAndLong, help: "Print every write.")
    var verbose = false

    @Flag(help: "Raise cgroups above the root of all pods where they lack the protection.")
    var raiseAncestors = false

    func run() throws {
        let pods = try options.pods()
        let (node, policy) = try options.settings()
        let tree = try change.open(node)
        var treeOptions = change.treeOptions
        treeOptions.raisesAncestors = raiseAncestors
        let progress = StepProgress()
        let outcome: PodTreeOutcome
        do throws(PodTreeError) {
            outcome =
                change.dryRun
                ? try tree.preview(pods, on: node, policy: policy, options: treeOptions)
                : try tree.apply(pods, on: node, policy: policy, options: treeOptions, progress: progress.show)
            progress.clear()
        } catch {
            progress.clear()
            guard let signal = progress.ending else { throw ToolFailure(error) }
            Output.complain("\(error)")
            throw ExitCode(128 + signal)
        }
        outcome.warnings.complain()
        if options.json {
            try Output.print(outcome.json(dryRun: change.dryRun))
        } else {
            try Output.print(outcome.text(dryRun: change.dryRun, verbose: verbose))
        }
    }
}

/// How a tree is changed: the same for every command that does.
struct TreeChangeOptions: ParsableArguments {
    @Flag(help: "Print what would be done; touch nothing.")
    var dryRun = false

    @Flag(help: "Go on although something cannot hold; it becomes a warning.")
    var force = false

    @Flag(help: "Look at every pod that is there instead of trusting the books.")
    var rescan = false

    @Option(help: .init("Seconds to wait for another writer.", valueName: "seconds"))
    var lockTimeout: UInt32 = 60

    /// As the library takes it.
    var treeOptions: TreeOptions {
        var options = TreeOptions()
        options.force = force
        options.rescans = rescan
        options.lockTimeout = .seconds(Int64(lockTimeout))
        return options
    }

    /// The tree of a node's pods; a host that cannot have one is told so.
    func open(_ node: Node) throws -> PodTree {
        try open(node.layout, pageSize: node.pageSize)
    }

    /// The same by its layout.
    func open(_ layout: PodCgroupLayout, pageSize: ByteCount? = nil) throws -> PodTree {
        let host = CgroupHost.probe()
        if let absence = host.absence { throw ToolFailure(.impossible, absence) }
        if let reason = host.unavailability(of: "memory") {
            throw ToolFailure(.impossible, "the memory controller is \(reason)")
        }
        do { return try PodTree(layout: layout, pageSize: pageSize) } catch { throw ToolFailure(error) }
    }
}
