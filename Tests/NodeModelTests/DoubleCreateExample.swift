// SPDX-License-Identifier: Apache-2.0

// The program of the article "StaleCaches" of NodeModel: StaleCacheArticleTests runs it, and sees that both are the same.

// article begins
import NodeModel
import Synchronization

/// A pod as the controller's cache keeps it.
struct CachedPod: VersionedObject {
    var objectName: ObjectName
    var resourceVersion: String?
    var owner: ObjectName
}

/// Where the truth is. What is written here reaches a cache when somebody delivers it.
final class Server: Sendable {
    private let state = Mutex((version: 100, undelivered: [CachedPod]()))

    func createPod(for owner: ObjectName) -> CachedPod {
        state.withLock { state in
            state.version += 1
            let pod = CachedPod(
                objectName: ObjectName(namespace: owner.namespace, name: "\(owner.name)-\(state.version)"),
                resourceVersion: "\(state.version)", owner: owner)
            state.undelivered.append(pod)
            return pod
        }
    }

    func deliver(to pods: Informer<CachedPod>) {
        let news = state.withLock { state in
            defer { state.undelivered = [] }
            return state.undelivered
        }
        pods.tell { queue in for pod in news { queue.add(pod) } }
        while pods.applyNext() {}
    }
}

/// Keeps one pod for each owner, by what its cache says.
struct OnePodController: Reconciler {
    let controllerName = "onepod"
    let pods: Informer<CachedPod>
    let server: Server
    let staleness: any StalenessGuard

    func reconcile(_ owner: ObjectName, at now: Timestamp) async throws(Never) -> Timestamp? {
        guard pods.store.objects("\(owner)", in: "owner").isEmpty else { return nil }
        let pod = server.createPod(for: owner)
        staleness.wroteAt(owner, uid: "uid-of-web", resource: "pods", version: pod.resourceVersion ?? "")
        return nil
    }
}

/// How many pods one owner has in the end when it changes again before the cache has seen its pod.
func podsOfAnImpatientOwner(guarded: Bool) async -> Int {
    let pods = Informer<CachedPod>(
        InformerIdentity(name: "onepod", resource: "pods"), indexes: [StoreIndex("owner") { ["\($0.owner)"] }])
    pods.tell { $0.replace(with: [], version: "100") }
    pods.applyNext()

    let staleness: any StalenessGuard = guarded ? ConsistencyStore(caches: ["pods": pods]) : Unguarded()
    let server = Server()
    let loop = ReconcileLoop(
        OnePodController(pods: pods, server: server, staleness: staleness), staleness: staleness)

    let owner = ObjectName(namespace: "default", name: "web")
    loop.enqueue(owner)
    await loop.turn(at: Timestamp(seconds: 0))  // creates the pod
    loop.enqueue(owner)
    await loop.turn(at: Timestamp(seconds: 1))  // the cache has not seen it: put off, or a second pod
    server.deliver(to: pods)
    while let time = loop.nextTime { await loop.turn(at: time) }
    return pods.store.snapshot.objects.count
}
// article ends
