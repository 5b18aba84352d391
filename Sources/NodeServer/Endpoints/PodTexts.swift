// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import Synchronization

/// Pods as the Kubernetes API has them (v1 PodList): what clients of a kubelet read.
///
/// Clients ask for hundreds of pods every few seconds, and few of them have changed: the text of the others is kept.
final class PodTexts: Sendable {
    private struct Text {
        var status: PodStatus
        var bytes: [UInt8]
    }
    private let texts = Mutex<[String: Text]>([:])

    /// The list of all pods of a node, or of those that run.
    func list(_ pods: [PodStatus], node: String, running: Bool) -> [UInt8] {
        let known = texts.withLock { $0 }
        var new: [String: Text] = [:]
        for status in pods {
            let uid = status.pod.uid
            if let text = known[uid], text.status == status {
                new[uid] = text
            } else {
                new[uid] = Text(status: status, bytes: json(PodObject(status, node: node)))
            }
        }
        var list = Array(#"{"apiVersion":"v1","items":["#.utf8)
        list.reserveCapacity(new.values.reduce(list.count + 64) { $0 + $1.bytes.count + 1 })
        let start = list.count
        for status in running ? pods.filter(\.hasRunningContainer) : pods {
            guard let text = new[status.pod.uid] else { continue }
            if list.count > start { list.append(UInt8(ascii: ",")) }
            list.append(contentsOf: text.bytes)
        }
        texts.withLock { [new] in $0 = new }
        list.append(contentsOf: #"],"kind":"PodList","metadata":{}}"#.utf8)
        return list
    }
}
