// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NodeModel
internal import ToolOutput

/// `bulkhead plan`: what would stand in the cgroups of these pods.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Computes the cgroup values of Kubernetes pods; touches nothing.",
        discussion: """
            Memory protection as Kubernetes' Memory QoS describes it: what Guaranteed pods ask for is never reclaimed \
            (memory.min), what Burstable pods ask for last (memory.low), and every container without a fixed size is \
            slowed down before its limit (memory.high). What is not given is this machine's.

            Examples:
              bulkhead plan -f pod.yaml
              bulkhead plan -f pods/ --node-memory 64Gi --system-reserved memory=1Gi,cpu=500m --json
              kubectl get pods -A -o json | bulkhead plan -f - --kubelet-config /var/lib/kubelet/config.yaml
            """)

    @OptionGroup var options: PlanOptions

    @Flag(help: "Print the node's metrics as the kubelet does, in Prometheus' text format.")
    var metrics = false

    func validate() throws {
        if metrics, options.json { throw ValidationError("--metrics and --json are two formats: choose one") }
    }

    func run() throws {
        let plan = try options.plan()
        plan.warnings.complain()
        if options.json {
            try Output.print(plan.json)
        } else if metrics {
            try Output.print(plan.metrics.prometheusText)
        } else {
            try Output.print(plan.table(.forStandardOutput()))
        }
    }
}
