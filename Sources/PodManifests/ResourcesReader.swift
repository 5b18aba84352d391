// SPDX-License-Identifier: Apache-2.0

import NodeModel

enum ResourcesReader {
    /// Requests and limits; no request may exceed its limit.
    static func requirements(_ field: Field) throws(ManifestError) -> ResourceRequirements {
        let object = try field.object()
        let requirements = ResourceRequirements(
            requests: try list(object["requests"]), limits: try list(object["limits"]))
        for name in requirements.requests.names {
            guard let request = requirements.requests[name], let limit = requirements.limits[name], request > limit
            else { continue }
            let place = try object.object("requests")?.required(name) ?? field
            throw place.error("asks for \(request), which is more than the limit of \(limit)")
        }
        return requirements
    }

    /// Amounts by resource name; none when absent.
    static func list(_ field: Field?) throws(ManifestError) -> ResourceList {
        guard let field else { return [:] }
        var list = ResourceList()
        for (name, amount) in try field.object().members {
            list[name] = try amount.quantity()
        }
        return list
    }
}
