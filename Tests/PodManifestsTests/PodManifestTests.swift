// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import Testing

func pods(_ text: String) throws -> [Pod] { try PodManifest(parsing: text, file: "pods.yaml").pods }

@Suite struct PodManifestTests {
    @Test func `Every field is read`() throws {
        let pod = try #require(try pods(full).first)
        #expect(pod.description == "shop/db")
        #expect(pod.uid == "6a4f2e3b-1c9d-4a5e-8f7b-2d3e4f5a6b7c")
        #expect(pod.recordedQoSClass == .burstable)
        #expect(pod.phase == .running)
        let spec = pod.spec
        #expect(!spec.hostUsers && !spec.hostNetwork && !spec.hostPID && !spec.hostIPC)
        #expect(spec.shareProcessNamespace)
        #expect(spec.hostname == "db-0")
        #expect(spec.restartPolicy == .onFailure)
        #expect(spec.terminationGracePeriodSeconds == 5)
        #expect(spec.overhead == ["memory": Quantity(1 << 20)])
        #expect(spec.resources?.limits == ["memory": Quantity(1 << 30)])
        #expect(
            spec.securityContext
                == PodSecurityContext(
                    runAsUser: 1000, runAsGroup: 2000, runAsNonRoot: true, fsGroup: 3000,
                    supplementalGroups: [4000], seccompProfile: .runtimeDefault))
        #expect(
            spec.volumes == [
                Volume(name: "data", source: .hostPath(path: "/srv/db", type: .directory)),
                Volume(name: "scratch", source: .emptyDir(inMemory: true, sizeLimit: .mebibytes(16))),
                Volume(name: "plain", source: .emptyDir(inMemory: false, sizeLimit: nil)),
            ])
        #expect(spec.initContainers.map(\.isSidecar) == [false, true])
        #expect(spec.unimplementedFields.isEmpty)
    }

    @Test func `Every field of a container is read`() throws {
        let container = try #require(try pods(full).first?.spec.containers.first)
        #expect(container.name == "app")
        #expect(container.image == "host")
        #expect(container.command == ["/bin/sh", "-c"])
        #expect(container.args == ["echo hi\nsleep 1\n"])
        #expect(container.env.map(\.description) == ["A=1", "B="])
        #expect(container.workingDir == "/srv")
        #expect(container.resources.requests == ["cpu": Quantity(milli: 500), "memory": Quantity(256)])
        #expect(container.resources.limits == ["memory": Quantity(512 << 20), "cpu": Quantity(1)])
        #expect(
            container.securityContext
                == SecurityContext(
                    capabilities: CapabilityChanges(add: ["NET_ADMIN"], drop: ["ALL"]), runAsUser: 1, runAsGroup: 2,
                    runAsNonRoot: false, readOnlyRootFilesystem: true, privileged: false,
                    allowPrivilegeEscalation: false, seccompProfile: .localhost("profiles/db.json")))
        #expect(
            container.volumeMounts == [
                VolumeMount(name: "data", mountPath: "/data", subPath: "a/b", readOnly: true),
                VolumeMount(name: "scratch", mountPath: "/tmp"),
            ])
    }

    @Test func `A file holds documents, lists of pods and nothing at all`() throws {
        let text = """
            # nothing here
            ---
            \(minimal("a"))
            ---
            apiVersion: v1
            kind: PodList
            items:
            - metadata: {name: b}
              spec: {containers: [{name: app}]}
            ---
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Pod, metadata: {name: c}, spec: {containers: [{name: app}]}}
            ---
            """
        #expect(try pods(text).map(\.name) == ["a", "b", "c"])
        #expect(try pods("").isEmpty)
        #expect(try pods("apiVersion: v1\nkind: List\nitems: null").isEmpty)
    }

    @Test func `JSON is read too`() throws {
        let text = """
            {
            \t"apiVersion": "v1", "kind": "Pod",
            \t"metadata": {"name": "j", "labels": {"a\\/b": "\\u00e9"}},
            \t"spec": {"hostUsers": false, "containers": [{"name": "app", "command": ["a", "b\\nc"],
            \t\t"resources": {"limits": {"cpu": 0.5, "memory": 1048576}}}]}
            }
            """
        let pod = try #require(try pods(text).first)
        #expect(!pod.spec.hostUsers)
        #expect(pod.spec.containers[0].command == ["a", "b\nc"])
        #expect(pod.spec.containers[0].resources.limits == ["cpu": Quantity(milli: 500), "memory": Quantity(1 << 20)])
    }

    @Test func `A pod without a uid gets one from its namespace and name`() throws {
        let first = try #require(try pods(minimal("a")).first)
        #expect(first.namespace == "default")
        #expect(first.uid == "04ebd2d2-b606-87a8-a883-0fa6848a3b46")
        #expect(try pods(minimal("a"))[0].uid == first.uid)
        #expect(try pods(minimal("b"))[0].uid != first.uid)
        #expect(try pods(minimal("a", namespace: "other"))[0].uid != first.uid)
    }

    @Test func `A limit without a request is asked for in full`() throws {
        let text = minimal("a", container: "{name: app, resources: {limits: {cpu: 1, memory: 1Gi}}}")
        let pod = try #require(try pods(text).first)
        #expect(pod.spec.containers[0].resources.requests == pod.spec.containers[0].resources.limits)
        #expect(pod.qosClass == .guaranteed)
    }

    @Test func `A number that is said to be a text is one`() throws {
        let text = minimal("a", container: "{name: app, command: [!!str 60, '61', \"62\", 0x, ~x]}")
        #expect(try pods(text)[0].spec.containers[0].command == ["60", "61", "62", "0x", "~x"])
    }

    @Test func `Anchors and merge keys are followed`() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: m}
            spec:
              containers:
              - &base {name: one, image: host, resources: {limits: {cpu: 1}}}
              - <<: *base
                name: two
            """
        let containers = try #require(try pods(text).first).spec.containers
        #expect(containers.map(\.name) == ["one", "two"])
        #expect(containers[1].image == "host")
        #expect(containers[1].resources == containers[0].resources)
    }

    @Test func `What changes the isolation and is not implemented is kept by name and line`() throws {
        let fields = try #require(try pods(unusual).first).spec.unimplementedFields
        #expect(
            fields.map(\.description) == [
                "pods.yaml:5: spec.runtimeClassName is not implemented",
                "pods.yaml:7: spec.volumes[0].projected is not implemented",
                "pods.yaml:11: spec.containers[0].envFrom is not implemented",
                "pods.yaml:9: spec.containers[0].env[0].valueFrom is not implemented",
                "pods.yaml:13: spec.containers[0].securityContext.procMount is not implemented",
                "pods.yaml:14: spec.containers[0].volumeMounts[0].mountPropagation is not implemented",
                "pods.yaml:6: spec.securityContext.sysctls is not implemented",
            ])
    }
}

private func minimal(_ name: String, namespace: String = "", container: String = "{name: app}") -> String {
    """
    apiVersion: v1
    kind: Pod
    metadata: {name: \(name), namespace: \(namespace)}
    spec: {containers: [\(container)]}
    """
}

private let unusual = """
    apiVersion: v1
    kind: Pod
    metadata: {name: u}
    spec:
      runtimeClassName: gvisor
      securityContext: {sysctls: [{name: a, value: b}], appArmorProfile: {type: RuntimeDefault}}
      volumes: [{name: token, projected: {sources: []}}]
      containers:
      - env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
        name: app
        envFrom: [{configMapRef: {name: c}}]
        securityContext:
          procMount: Unmasked
        volumeMounts: [{name: token, mountPath: /t, mountPropagation: Bidirectional}]
        livenessProbe: {exec: {command: ["true"]}}
        ports: [{containerPort: 80}]
    """

private let full = """
    apiVersion: v1
    kind: Pod
    metadata:
      name: db
      namespace: shop
      uid: 6a4f2e3b-1c9d-4a5e-8f7b-2d3e4f5a6b7c
      labels: {app: db}
    spec:
      hostUsers: false
      hostNetwork: false
      hostPID: false
      hostIPC: no
      shareProcessNamespace: true
      hostname: db-0
      restartPolicy: OnFailure
      terminationGracePeriodSeconds: 5
      overhead: {memory: 1Mi}
      resources: {limits: {memory: 1Gi}}
      securityContext:
        runAsUser: 1000
        runAsGroup: 2000
        runAsNonRoot: true
        fsGroup: 3000
        supplementalGroups: [4000]
        seccompProfile: {type: RuntimeDefault}
      initContainers:
      - {name: setup, image: host}
      - {name: proxy, image: host, restartPolicy: Always}
      containers:
      - name: app
        image: host
        command: ["/bin/sh", "-c"]
        args:
        - |
          echo hi
          sleep 1
        env:
        - {name: A, value: "1"}
        - {name: B}
        workingDir: /srv
        resources:
          requests: {cpu: 500m, memory: 256}
          limits: {memory: 512Mi, cpu: 1}
        securityContext:
          capabilities: {add: [NET_ADMIN], drop: [ALL]}
          runAsUser: 1
          runAsGroup: 2
          runAsNonRoot: false
          readOnlyRootFilesystem: true
          privileged: false
          allowPrivilegeEscalation: false
          seccompProfile: {type: Localhost, localhostProfile: profiles/db.json}
        volumeMounts:
        - {name: data, mountPath: /data, subPath: a/b, readOnly: true}
        - {name: scratch, mountPath: /tmp}
      volumes:
      - {name: data, hostPath: {path: /srv/db, type: Directory}}
      - {name: scratch, emptyDir: {medium: Memory, sizeLimit: 16Mi}}
      - {name: plain, emptyDir: {}}
    status: {qosClass: Burstable, phase: Running}
    """
