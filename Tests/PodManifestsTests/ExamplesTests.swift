// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeModel
import PodManifests
import Testing

@Suite struct ExamplesTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples")

    /// A test bundle that runs away from its checkout has no examples beside it.
    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: folder.path), "there is no checkout"),
        arguments: [("guaranteed", QoSClass.guaranteed), ("burstable", .burstable), ("besteffort", .bestEffort)])
    func `Every example is a pod of the class it is named for`(name: String, qosClass: QoSClass) throws {
        let file = Self.folder.appending(path: name + ".yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let pods = try PodManifest(parsing: text, file: file.lastPathComponent).pods
        let pod = try #require(pods.first)
        #expect(pods.count == 1)
        #expect(pod.description == "examples/\(name)")
        #expect(pod.qosClass == qosClass)
        #expect(!pod.spec.hostUsers)
        #expect(pod.spec.unimplementedFields.isEmpty)
        #expect(
            pod.spec.volumes == [
                Volume(
                    name: "data",
                    source: .hostPath(path: "/srv/bulkhead-example/\(name)", type: .directoryOrCreate))
            ])
        let app = try #require(pod.spec.containers.first)
        #expect(app.image == "host")
        #expect(app.command == ["/bin/sh", "-c"])
        #expect(app.securityContext.capabilities.add == ["NET_ADMIN"])
        #expect(app.volumeMounts == [VolumeMount(name: "data", mountPath: "/data")])
        #expect(!app.args.isEmpty)
    }
}
