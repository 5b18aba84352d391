// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// `BULKHEAD_SOAK=600` lets it go on for ten minutes with 200 pods.
@Suite(
    "An agent under random edits and kills", .serialized, .needs(.root), .needs(.cgroup2), .needs(agentIsThere),
    .needs(.command("curl")))
struct AgentSoakTests {
    private static let asked = ProcessInfo.processInfo.environment["BULKHEAD_SOAK"].flatMap(Int.init)
    private static let seconds = asked ?? 12
    private static let pods = asked == nil ? 8 : 200

    /// What is wanted of each pod: the number that its command says.
    private struct Wanted {
        var versions: [Int: Int] = [:]
        private var next = 1

        mutating func edit(_ pod: Int) -> Int {
            versions[pod] = next
            next += 1
            return next - 1
        }
    }

    private func manifest(_ pod: Int, _ version: Int) -> String {
        let amount = ["{}", "{requests: {memory: 1Mi}}", "{requests: {memory: 2Mi, cpu: 1m}, limits: {memory: 64Mi}}"]
        return AgentPlace.pod(
            "p\(pod)", sleeps: Self.number(pod, version), grace: pod % 3,
            more: "      resources: \(amount[(pod + version) % 3])\n")
    }

    /// How long the command sleeps, which tells it from all others.
    private static func number(_ pod: Int, _ version: Int) -> Int { 1_000_000_000 + pod * 1_000_000 + version }

    @Test("In the end the node is as its manifests say, the sums held, and nothing is left behind")
    func soak() throws {
        let place = try AgentPlace()
        try place.start()
        let observer = try SumObserver(CgroupPath(parsing: "/\(place.root)"))
        var random = SystemRandomNumberGenerator()
        var wanted = Wanted()
        var (edits, kills, agents) = (0, 0, 0)
        for pod in 0..<Self.pods { try place.write("p\(pod).yaml", manifest(pod, wanted.edit(pod))) }
        let end = ContinuousClock.now + .seconds(Self.seconds)
        // In a slow guest some seconds may have no event of a kind.
        while ContinuousClock.now < end || edits == 0 || agents == 0 {
            let pod = Int.random(in: 0..<Self.pods, using: &random)
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8:
                try place.write("p\(pod).yaml", manifest(pod, wanted.edit(pod)))
                edits += 1
            case 8, 9:
                guard wanted.versions.removeValue(forKey: pod) != nil else { continue }
                try place.remove("p\(pod).yaml")
                edits += 1
            case 10:
                // Broken for a while: what was in force stays so.
                try place.write("broken-\(pod).yaml", "kind: Pod\nmetadata: {name: [\n")
            case 11..<18:
                guard let process = try place.processes().randomElement(using: &random) else { continue }
                _ = try shell("kill -9 \(process) 2>/dev/null; true")
                kills += 1
            case 18:
                try place.end(SIGKILL)
                try place.start()
                agents += 1
            default:
                #expect(try place.end() == .exited(0))
                try place.start()
                agents += 1
            }
            #expect(observer.violations() == [])
            usleep(useconds_t.random(in: 0...100_000, using: &random))
        }
        print(
            "soak: \(edits) edits, \(kills) processes and \(agents) agents ended, \(Self.pods) pods, \(Self.seconds) s")

        // Back-off after many kills is up to five minutes.
        let expected = wanted.versions.map { Self.number($0.key, $0.value) }.sorted()
        let limit = Duration.seconds(Self.asked == nil ? 120 : 600)
        let isInOrder = try eventually(limit) {
            usleep(200_000)
            return try sleepers(place) == expected && place.phases().values.allSatisfy { $0 == "Running" }
        }
        let found = try sleepers(place)
        #expect(isInOrder, "wanted \(expected), found \(found); \(place.scratch.text("log").suffix(4000))")
        #expect(try place.phases().count == expected.count)
        #expect(observer.violations() == [])

        try place.removeAll()
        #expect(try place.end() == .exited(0))
        let left = try FileManager.default.contentsOfDirectory(atPath: place.scratch.path("state/runtime/pods"))
        #expect(left == [], "folders of pods that are gone")
        let records = try FileManager.default.contentsOfDirectory(atPath: place.scratch.path("state/records"))
        #expect(records == ["lock"], "records of pods that are gone")
        #expect(!wholeMountTable().contains(place.scratch.path("state")), "a mount of a volume is left")
    }

    /// The commands that run, as the kernel tells: one for each pod, of the version that is wanted.
    private func sleepers(_ place: AgentPlace) throws -> [Int] {
        try place.processes().compactMap { process -> Int? in
            let words = (try? readKernelFile(FilePath("/proc/\(process)/cmdline")))?.split(separator: "\0") ?? []
            return words.first == "sleep" ? words.last.flatMap { Int($0) } : nil
        }.sorted()
    }
}
