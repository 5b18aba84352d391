// SPDX-License-Identifier: Apache-2.0

public import NodeModel
internal import Yams

/// The pods a manifest file describes.
///
/// A file holds one or more YAML documents, or JSON, each a Pod, a PodList or a List of Pods. Fields that play no part
/// in what a node does are not looked at; those that change how a pod is isolated and that nothing implements are kept
/// in `PodSpec.unimplementedFields`. What is one slip away from a field that is looked at, as `resource` is, is refused.
public struct PodManifest: Sendable, Hashable {
    /// The pods, in the order of the file.
    public let pods: [Pod]
    /// Where each of them begins, such as `pods.yaml:14`.
    public let places: [String]

    /// Reads the text of a file.
    /// - Parameters:
    ///   - text: what the file holds.
    ///   - file: how errors name it.
    /// - Throws: ``ManifestError`` for the first thing that is wrong, by file, line and field.
    public init(parsing text: String, file: String) throws(ManifestError) {
        var pods: [Pod] = []
        var begins: [String] = []
        var firsts: [String: String] = [:]
        var owners: [String: Pod] = [:]
        for document in try Self.documents(text, file) {
            for found in try PodReader.pods(in: document) {
                let key = "\(found.pod.namespace)/\(found.pod.name)"
                if let first = firsts.updateValue(found.field.place, forKey: key) {
                    throw found.field.error("the pod \(key) is described twice; first at \(first)")
                }
                if let owner = owners.updateValue(found.pod, forKey: found.pod.uid) {
                    let uid = try found.field.object().object("metadata")?["uid"] ?? found.field
                    throw uid.error("'\(found.pod.uid)' is the uid of \(owner), too")
                }
                pods.append(found.pod)
                begins.append(found.field.place)
            }
        }
        self.pods = pods
        places = begins
    }

    /// The documents of a file, each as its top value.
    static func documents(_ text: String, _ file: String) throws(ManifestError) -> [Field] {
        do {
            // No rules: what a scalar means depends on the field, and the rules are slow regular expressions.
            var sequence = try Yams.compose_all(yaml: text, .basic)
            var documents: [Field] = []
            while let node = sequence.next() {
                documents.append(Field(node: node, path: "", file: file))
            }
            if let error = sequence.error { throw error }
            return documents
        } catch let error as YamlError {
            throw ManifestError(yaml: error, file: file)
        } catch {
            throw ManifestError(file: file, line: nil, field: "", reason: "\(error)")
        }
    }
}

extension ManifestError {
    fileprivate init(yaml error: YamlError, file: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let text = context.map { "\($0.text) (line \($0.mark.line)), " } ?? ""
            self.init(file: file, line: mark.line, field: "", reason: "is no YAML: \(text)\(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            self.init(file: file, line: context.mark.line, field: "", reason: "the field \(keys) is given twice")
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { 1 + yaml.utf8.prefix($0).count { $0 == UInt8(ascii: "\n") } }
            self.init(file: file, line: line, field: "", reason: "is no text: \(problem)")
        default:
            self.init(file: file, line: nil, field: "", reason: "\(error)")
        }
    }
}
