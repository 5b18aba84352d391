// SPDX-License-Identifier: Apache-2.0

import NodeModel

/// Containers and pods as the vector files write them.
struct VectorResources: Decodable {
    var requests: [String: String]?
    var limits: [String: String]?

    func model() throws -> ResourceRequirements {
        ResourceRequirements(requests: try resourceList(requests), limits: try resourceList(limits))
    }

    func container(_ name: String) throws -> Container { Container(name: name, resources: try model()) }
}

func resourceList(_ texts: [String: String]?) throws -> ResourceList {
    ResourceList(try (texts ?? [:]).mapValues { try Quantity(parsing: $0) })
}

func pod(
    _ containers: [VectorResources], initContainers: [VectorResources] = [], podLevel: VectorResources? = nil,
    uid: String = "uid"
) throws -> Pod {
    let spec = PodSpec(
        containers: try containers.enumerated().map { try $1.container("c\($0)") },
        initContainers: try initContainers.enumerated().map { try $1.container("i\($0)") },
        resources: try podLevel?.model())
    return Pod(name: "pod-\(uid)", uid: uid, spec: spec)
}

/// A JSON value that is a number or a text, as text.
struct NumberOrText: Decodable, Equatable, CustomStringConvertible {
    let description: String

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(UInt64.self) {
            description = "\(number)"
        } else {
            description = try value.decode(String.self)
        }
    }
}
