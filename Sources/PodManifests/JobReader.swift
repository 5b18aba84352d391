// SPDX-License-Identifier: Apache-2.0

import NodeModel

enum JobReader {
    private static let fields = [
        "parallelism", "completions", "completionMode", "backoffLimit", "activeDeadlineSeconds",
        "ttlSecondsAfterFinished", "suspend", "podFailurePolicy", "podReplacementPolicy", "template", "selector",
        "manualSelector", "backoffLimitPerIndex", "maxFailedIndexes", "successPolicy", "managedBy",
    ]
    /// Fields that nothing here implements and that change what the Job does.
    private static let unimplemented: [UnimplementedFields.Rule] = [
        ("backoffLimitPerIndex", []), ("maxFailedIndexes", []), ("successPolicy", []), ("manualSelector", ["false"]),
        ("managedBy", ["kubernetes.io/job-controller"]),
    ]
    /// Of those and of the others that are passed over, the ones that must not change.
    private static let immutable = ["selector", "backoffLimitPerIndex", "successPolicy", "managedBy"]

    /// The Job of a document.
    static func job(_ document: Field) throws(ManifestError) -> Job {
        let object = try document.object()
        let version = try object.required("apiVersion")
        guard try version.string() == "batch/v1" else {
            throw version.error("'\(try version.string())' is not batch/v1")
        }
        let names = try ObjectNames(object, kind: "Job")
        let spec = try object.required("spec").object()
        try spec.checkSpelling(of: fields)
        let job = Job(
            namespace: names.namespace, name: names.name, uid: names.uid, spec: try self.spec(spec),
            status: try JobStatusReader.status(object))
        if let problem = job.problems.first {
            let place = document.descendant(problem.field) ?? document
            throw ManifestError(
                file: document.file, line: place.line, field: problem.field, reason: problem.withoutField)
        }
        return job
    }

    private static func spec(_ object: FieldObject) throws(ManifestError) -> JobSpec {
        func number(_ name: String) throws(ManifestError) -> Int32? {
            try object[name].map { field throws(ManifestError) in
                Int32(try field.integer(in: Int64(Int32.min)...Int64(Int32.max)))
            }
        }
        var fields = UnimplementedFields()
        fields.note(object, unimplemented)
        var others = ManifestValue.nothing
        for name in immutable {
            if let field = object[name] { others[name] = try ManifestValueReader.value(field) }
        }
        let template = try template(object.required("template"))
        return JobSpec(
            parallelism: try number("parallelism"), completions: try number("completions"),
            completionMode: try object["completionMode"]?.choice(of: JobCompletionMode.self) ?? .nonIndexed,
            backoffLimit: try number("backoffLimit") ?? (object["backoffLimitPerIndex"] == nil ? 6 : .max),
            activeDeadlineSeconds: try object["activeDeadlineSeconds"]?.integer(in: .min ... .max),
            ttlSecondsAfterFinished: try number("ttlSecondsAfterFinished"),
            suspend: try object.bool("suspend") ?? false, podFailurePolicy: try failurePolicy(object),
            podReplacementPolicy: try object["podReplacementPolicy"]?.choice(of: PodReplacementPolicy.self),
            template: template, otherFields: others,
            unimplementedFields: fields.fields + template.spec.unimplementedFields)
    }

    private static func template(_ field: Field) throws(ManifestError) -> PodTemplate {
        let object = try field.object()
        try object.checkSpelling(of: ["metadata", "spec"])
        let metadata = try object.object("metadata")
        return PodTemplate(
            labels: try texts(metadata?["labels"]), annotations: try texts(metadata?["annotations"]),
            spec: try SpecReader(object.required("spec").object()).spec(),
            fields: try ManifestValueReader.value(field) ?? .nothing)
    }

    private static func texts(_ field: Field?) throws(ManifestError) -> [String: String] {
        guard let field else { return [:] }
        var texts: [String: String] = [:]
        for (name, value) in try field.object().members { texts[name] = try value.string() }
        return texts
    }

    private static func failurePolicy(_ object: FieldObject) throws(ManifestError) -> PodFailurePolicy? {
        guard let policy = try object.object("podFailurePolicy") else { return nil }
        var rules: [PodFailurePolicy.Rule] = []
        for item in try policy.items("rules") {
            let rule = try item.object()
            try rule.checkSpelling(of: ["action", "onExitCodes", "onPodConditions"])
            var conditions: [PodFailurePolicy.PodCondition] = []
            for item in try rule.items("onPodConditions") {
                let condition = try item.object()
                conditions.append(
                    PodFailurePolicy.PodCondition(
                        type: try condition.required("type").string(),
                        status: try condition["status"]?.string() ?? "True"))
            }
            rules.append(
                PodFailurePolicy.Rule(
                    try rule.required("action").choice(of: PodFailurePolicy.Action.self),
                    onExitCodes: try exitCodes(rule), onPodConditions: conditions))
        }
        return PodFailurePolicy(rules: rules)
    }

    private static func exitCodes(_ rule: FieldObject) throws(ManifestError) -> PodFailurePolicy.ExitCodes? {
        guard let codes = try rule.object("onExitCodes") else { return nil }
        var values: [Int32] = []
        for item in try codes.items("values") {
            values.append(Int32(try item.integer(in: Int64(Int32.min)...Int64(Int32.max))))
        }
        return PodFailurePolicy.ExitCodes(
            containerName: try codes.string("containerName"),
            try codes.required("operator").choice(of: PodFailurePolicy.Operator.self), values)
    }
}

extension FieldError {
    /// The text without the field, which a manifest's error says itself.
    fileprivate var withoutField: String { String(description.dropFirst(field.count + 2)) }
}

extension Field {
    /// The value at a path such as `spec.containers[0].name`, as far down as there is one.
    fileprivate func descendant(_ path: String) -> Field? {
        var found: Field?
        var best = 0
        func look(_ field: Field) {
            if path == field.path || path.hasPrefix(field.path + ".") || path.hasPrefix(field.path + "[")
                || field.path.isEmpty
            {
                if field.path.utf8.count > best || found == nil { (found, best) = (field, field.path.utf8.count) }
                for member in (try? field.object().members.values.map(\.self)) ?? [] { look(member) }
                for item in (try? field.items()) ?? [] { look(item) }
            }
        }
        look(self)
        return found
    }
}
