// SPDX-License-Identifier: Apache-2.0

internal import NodeAgent
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

extension AgentService {
    /// What `/configz` shows: the configuration in force, by the names of Kubernetes' KubeletConfiguration where it has them.
    func configuration() async -> String {
        let node = settings.runtime.node
        func reserved(_ resources: NodeResources) -> JSON {
            var members: [JSON.Member] = []
            if let memory = resources.memory { members.append(JSON.Member("memory", .string("\(memory)"))) }
            if let cpu = resources.milliCPU { members.append(JSON.Member("cpu", .string("\(cpu)m"))) }
            return .object(members)
        }
        let address = (try? server.address) ?? nil
        let document: JSON = [
            "kubeletconfig": [
                "staticPodPath": .string(settings.agent.manifests.string),
                "fileCheckFrequency": .string("\(settings.agent.rescanInterval.components.seconds)s"),
                "address": .optional(address?.host), "port": address.map { .integer($0.port) } ?? nil,
                "authentication": [
                    "anonymous": ["enabled": true], "x509": ["clientCAFile": .optional(server.clientCA)],
                    "webhook": ["enabled": false],
                ],
                "authorization": ["mode": "RBAC"],
                "cgroupDriver": .string(node.layout.driver.rawValue), "cgroupRoot": .string("\(node.layout.root)"),
                "memoryReservationPolicy": .string(settings.runtime.policy.rawValue),
                "memoryThrottlingFactor": node.throttlingFactor.map { .decimal($0.value) } ?? nil,
                "systemReserved": reserved(node.systemReserved), "kubeReserved": reserved(node.kubeReserved),
                "maxPods": .integer(settings.runtime.maxPods),
            ]
        ]
        return document.compact
    }
}
