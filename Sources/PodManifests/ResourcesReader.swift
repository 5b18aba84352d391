// SPDX-License-Identifier: Apache-2.0

import NodeModel

enum ResourcesReader {
    /// Requests and limits; no request may exceed its limit.
    static func requirements(_ field: Field) throws(ManifestError) -> ResourceRequirements {
        let object = try field.object()
        try object.checkSpelling(of: ["requests", "limits", "claims"])
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

    /// Amounts by resource name; none when absent. A word that Kubernetes does not know is refused: misspelled, it would
    /// ask for nothing.
    static func list(
        _ field: Field?, known: Set<String> = ["cpu", "memory", "ephemeral-storage", "storage"]
    ) throws(ManifestError) -> ResourceList {
        guard let field else { return [:] }
        var list = ResourceList()
        for (name, amount) in try field.object().members {
            guard known.contains(name) || isHugePages(name) || !isWord(name) else {
                throw amount.error(
                    "'\(name)' is no resource: those are \(known.sorted().joined(separator: ", ")), hugepages-SIZE, and "
                        + "what has a domain, as example.com/gpu")
            }
            list[name] = try amount.quantity()
        }
        return list
    }

    /// Neither with a domain nor, like an amount, with a digit in front.
    private static func isWord(_ name: String) -> Bool {
        !name.utf8.contains(UInt8(ascii: "/")) && name.first?.isNumber != true
    }

    private static func isHugePages(_ name: String) -> Bool {
        guard name.hasPrefix("hugepages-") else { return false }
        return (try? Quantity(parsing: String(name.dropFirst("hugepages-".count)))).map { $0 > .zero } ?? false
    }
}
