// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import Testing

@Suite struct ManifestErrorTests {
    @Test(arguments: [
        (
            "      resources:\n        limits: {memory: 12Q}",
            "pods.yaml:10: spec.containers[0].resources.limits.memory: '12Q' is not a quantity: unexpected 'Q'"
        ),
        (
            "      resources: {requests: {memory: -1}}",
            "pods.yaml:9: spec.containers[0].resources.requests.memory: '-1' is below zero"
        ),
        (
            "      resources: {requests: {cpu: 2}, limits: {cpu: 1}}",
            "pods.yaml:9: spec.containers[0].resources.requests.cpu: asks for 2, which is more than the limit of 1"
        ),
        (
            "      command: [sleep, 60]",
            "pods.yaml:9: spec.containers[0].command[1]: must be a text; write it in quotes: \"60\""
        ),
        ("      command: sleep", "pods.yaml:9: spec.containers[0].command: must be a list, not 'sleep'"),
        ("      image: {a: b}", "pods.yaml:9: spec.containers[0].image: must be a text, not an object"),
        (
            "      env: [{name: A=B}]",
            "pods.yaml:9: spec.containers[0].env[0].name: 'A=B' is not a name for an environment variable"
        ),
        ("      env: [{value: a}]", "pods.yaml:9: spec.containers[0].env[0].name: is missing"),
        (
            "      securityContext: {runAsUser: \"0\"}",
            "pods.yaml:9: spec.containers[0].securityContext.runAsUser: must be a whole number, not the text \"0\""
        ),
        (
            "      securityContext: {runAsUser: -1}",
            "pods.yaml:9: spec.containers[0].securityContext.runAsUser: -1 is not between 0 and 2147483647"
        ),
        (
            "      securityContext: {runAsUser: 1.5}",
            "pods.yaml:9: spec.containers[0].securityContext.runAsUser: '1.5' is not a whole number"
        ),
        (
            "      securityContext: {privileged: maybe}",
            "pods.yaml:9: spec.containers[0].securityContext.privileged: must be true or false, not 'maybe'"
        ),
        (
            "      securityContext: {privileged: true, allowPrivilegeEscalation: false}",
            "pods.yaml:9: spec.containers[0].securityContext.allowPrivilegeEscalation: "
                + "cannot be false while privileged is true"
        ),
        (
            "      securityContext: {seccompProfile: {type: Best}}",
            "pods.yaml:9: spec.containers[0].securityContext.seccompProfile.type: "
                + "'Best' is not one of Unconfined, RuntimeDefault, Localhost"
        ),
        (
            "      volumeMounts: [{name: gone, mountPath: /a}]",
            "pods.yaml:9: spec.containers[0].volumeMounts[0].name: 'gone' is not one of the pod's volumes"
        ),
        (
            "      volumeMounts: [{name: data, mountPath: /a, subPath: ../b}]",
            "pods.yaml:9: spec.containers[0].volumeMounts[0].subPath: '../b' must not hold '..'"
        ),
        (
            "      restartPolicy: Sometimes",
            "pods.yaml:9: spec.containers[0].restartPolicy: 'Sometimes' is not one of Always, OnFailure, Never"
        ),
        (
            "    - name: app",
            "pods.yaml:9: spec.containers[1].name: 'app' is the name of another container of this pod"
        ),
        ("    - name: App", "pods.yaml:9: spec.containers[1].name: 'App' is no name"),
        ("    - image: x", "pods.yaml:9: spec.containers[1].name: is missing"),
        (
            "  hostUsers: false\n  hostNetwork: true",
            "pods.yaml:10: spec.hostNetwork: cannot be true while hostUsers is false"
        ),
        (
            "      resources: {requests: {memroy: 1Gi}}",
            "pods.yaml:9: spec.containers[0].resources.requests.memroy: 'memroy' is no resource: "
                + "those are cpu, ephemeral-storage, memory, storage, "
                + "hugepages-SIZE, and what has a domain"
        ),
        (
            "      resources: {limits: {hugepages-big: 1Gi}}",
            "pods.yaml:9: spec.containers[0].resources.limits.hugepages-big: 'hugepages-big' is no resource"
        ),
        (
            "      resources: {limit: {memory: 1Gi}}",
            "pods.yaml:9: spec.containers[0].resources.limit: is no field of Kubernetes; 'limits' is"
        ),
        (
            "      resources:\n        reqeusts: {memory: 1Gi}",
            "pods.yaml:10: spec.containers[0].resources.reqeusts: is no field of Kubernetes; 'requests' is"
        ),
        (
            "      resource: {limits: {memory: 1Gi}}",
            "pods.yaml:9: spec.containers[0].resource: is no field of Kubernetes; 'resources' is"
        ),
        (
            "  initcontainers: [{name: i}]",
            "pods.yaml:9: spec.initcontainers: is no field of Kubernetes; 'initContainers' is"
        ),
        ("      name: app", "pods.yaml:8: the field 'name' is given twice"),
        ("      image: [", "pods.yaml:10: is no YAML: while parsing a flow"),
    ])
    func `What is wrong is said by file, line and field`(lines: String, message: String) throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              volumes:
              - {name: data, hostPath: {path: /srv}}
              containers:
                - name: app
            \(lines)

            """
        let error = try #require(throws: ManifestError.self) {
            try PodManifest(parsing: text, file: "pods.yaml")
        }
        #expect(error.description.hasPrefix(message), "\(error)")
    }

    @Test(arguments: [
        ("kind: Pod", "pods.yaml:1: apiVersion: is missing"),
        ("apiVersion: v1", "pods.yaml:1: kind: is missing"),
        ("apiVersion: v2\nkind: Pod", "pods.yaml:1: apiVersion: 'v2' is not v1"),
        ("apiVersion: v1\nkind: Service", "pods.yaml:2: kind: 'Service' is not a Pod, a PodList or a List"),
        (
            "apiVersion: apps/v1\nkind: Deployment",
            "pods.yaml:2: kind: 'Deployment' is not a Pod, a PodList or a List; it has pods made"
        ),
        ("apiVersion: v1\nkind: Pod\nmetadata: {}", "pods.yaml:3: metadata.name: is missing"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}", "pods.yaml:1: spec: is missing"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, uid: a_b}",
            "pods.yaml:3: metadata.uid: the control group name 'poda_b' holds '_'"
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, uid: ../../x}",
            "pods.yaml:3: metadata.uid: the control group name 'pod../../x' holds a slash"
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}",
            "pods.yaml:4: spec.containers: must not be empty"
        ),
        ("- 1", "pods.yaml:1: must have fields, but is a list"),
        ("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Job}]", "pods.yaml:3: items[0].kind: 'Job'"),
        ("a: *b", "pods.yaml:1: is no YAML: found undefined alias"),
        ("a: \"\\ud83d\"", "pods.yaml:1: is no YAML: "),
    ])
    func `A document that is no pod is refused by name`(text: String, message: String) throws {
        let error = try #require(throws: ManifestError.self) { try PodManifest(parsing: text, file: "pods.yaml") }
        #expect(error.description.hasPrefix(message), "\(error)")
    }

    @Test func `A field that is not known and like no known one is passed over, as a later version may have it`() throws
    {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, generation: 2}
            spec:
              schedulingGroup: {name: x}
              containers: [{name: c, stdin: true, resources: {limits: {example.com/gpu: 1, storage: 1, 2Mi: 3}}}]
            """
        let pods = try PodManifest(parsing: text, file: "pods.yaml").pods
        #expect(pods[0].spec.containers[0].resources.limits.names == ["2Mi", "example.com/gpu", "storage"])
    }

    @Test func `One uid of two pods is refused where it is given again`() throws {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  uid: u\nspec: {containers: [{name: c}]}\n"
        let error = try #require(throws: ManifestError.self) {
            try PodManifest(parsing: pod + "---\n" + pod.replacing("name: a", with: "name: b"), file: "pods.yaml")
        }
        #expect(error.description == "pods.yaml:12: metadata.uid: 'u' is the uid of default/a, too")
    }

    @Test func `The same pod twice is refused with both places`() throws {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c}]}\n"
        let error = try #require(throws: ManifestError.self) {
            try PodManifest(parsing: pod + "---\n" + pod, file: "pods.yaml")
        }
        #expect(
            error.description == "pods.yaml:6: the pod default/a is described twice; first at pods.yaml:1")
    }
}
