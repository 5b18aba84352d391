// SPDX-License-Identifier: Apache-2.0

extension PodTemplate {
    /// The fields that differ. What is compared is the manifest, with all that nothing here knows; where both templates
    /// were made in code, the values.
    func changes(from old: PodTemplate) -> [String] {
        let changes = fields.changes(from: old.fields, at: "spec.template")
        if !changes.isEmpty { return changes }
        var found: [String] = []
        if labels != old.labels { found.append("spec.template.metadata.labels") }
        if annotations != old.annotations { found.append("spec.template.metadata.annotations") }
        if spec.withoutPlaces != old.spec.withoutPlaces { found.append("spec.template.spec") }
        return found
    }

    /// Takes over what says where pods are to run. A node reads none of it; it is in the manifest only.
    mutating func takeScheduling(from new: PodTemplate) {
        (labels, annotations) = (new.labels, new.annotations)
        var metadata = fields["metadata"] ?? .nothing
        for name in ["labels", "annotations"] { metadata[name] = new.fields["metadata"]?[name] }
        fields["metadata"] = metadata == .nothing ? nil : metadata
        guard var spec = fields["spec"] else { return }
        let wanted = new.fields["spec"] ?? .nothing
        for name in ["nodeSelector", "tolerations", "schedulingGates"] { spec[name] = wanted[name] }
        var affinity = spec["affinity"] ?? .nothing
        affinity["nodeAffinity"] = wanted["affinity"]?["nodeAffinity"]
        spec["affinity"] = affinity == .nothing ? nil : affinity
        fields["spec"] = spec
    }

    /// Takes over requests and limits of the containers that are at the same place under the same name. A list that
    /// became longer or shorter stays as it was.
    mutating func takeResources(from new: PodTemplate) {
        spec.containers.takeResources(from: new.spec.containers)
        spec.initContainers.takeResources(from: new.spec.initContainers)
        for name in ["containers", "initContainers"] {
            guard case .list(var containers)? = fields["spec"]?[name],
                let wanted = new.fields["spec"]?[name]?.items, wanted.count == containers.count
            else { continue }
            for (index, container) in wanted.enumerated() where container["name"] == containers[index]["name"] {
                var resources = containers[index]["resources"] ?? .nothing
                for list in ["requests", "limits"] { resources[list] = container["resources"]?[list] }
                containers[index]["resources"] = resources == .nothing ? nil : resources
            }
            var spec = fields["spec"] ?? .nothing
            spec[name] = .list(containers)
            fields["spec"] = spec
        }
    }
}

extension [Container] {
    fileprivate mutating func takeResources(from new: [Container]) {
        guard count == new.count else { return }
        for (index, container) in new.enumerated() where container.name == self[index].name {
            self[index].resources = container.resources
        }
    }
}

extension PodSpec {
    /// The same without the lines in the manifest: they move with every edit.
    fileprivate var withoutPlaces: PodSpec {
        var spec = self
        spec.unimplementedFields = unimplementedFields.map { UnimplementedField(field: $0.field) }
        return spec
    }
}
