// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import LinuxKernel

@Suite struct KernelFeaturesTests {
    @Test("Every no has a reason, every yes has none, and each name is there once")
    func reasons() {
        let features = KernelFeatures.probe()
        #expect(features.all.map(\.name) == KernelFeatures.names)
        #expect(Set(KernelFeatures.names).count == KernelFeatures.names.count)
        for feature in features.all {
            #expect((feature.reason == nil) == feature.available, "\(feature.name): \(feature.reason ?? "")")
            #expect(feature.available == false || feature.inKernel == true, "\(feature.name)")
        }
    }

    @Test("One feature alone gives the same answer; an unknown name gives none")
    func single() {
        #expect(KernelFeatures.probe("openat2") == KernelFeatures.probe()["openat2"])
        #expect(KernelFeatures.probe("no such thing") == nil)
    }

    private func judged(
        _ error: Errno, since: KernelVersion = KernelVersion(2, 6), needsAdmin: Bool = false, known: [Errno] = []
    ) -> Finding {
        ProbeBench().judge(
            -error.rawValue, of: Trial("thing", since: since) { _, _ in .works() }, needsAdmin: needsAdmin, known: known
        )
    }

    @Test("ENOSYS points at a filter only where the kernel is said to be new enough")
    func absence() {
        guard case .missing(let old) = judged(.noFunction) else { return #expect(Bool(false), "missing") }
        #expect(old.contains("hides it, or it is not compiled in"))
        guard case .missing(let new) = judged(.noFunction, since: KernelVersion(99, 0)) else {
            return #expect(Bool(false), "missing")
        }
        #expect(new == "the kernel does not know thing (since Linux 99.0)")
    }

    @Test("An error that only the call itself gives proves the call; EPERM without a need for privilege proves nothing")
    func errors() {
        #expect(judged(.badFileDescriptor, known: [.badFileDescriptor]) == .works())
        guard case .unknown = judged(.notPermitted) else { return #expect(Bool(false), "unknown") }
        guard case .refused = judged(.notPermitted, needsAdmin: true) else { return #expect(Bool(false), "refused") }
        guard case .missing = judged(.invalidArgument) else { return #expect(Bool(false), "missing") }
    }

    private let ordinary = CallerRights(
        effectiveCapabilities: 0, hasSeccompFilter: false, isInitialUserNamespace: true, ownsMountNamespace: true,
        securityModules: [])

    @Test(
        "A user namespace that fails names the switch",
        arguments: [
            (
                1, Errno.notPermitted, NamespaceSwitches(unprivilegedClone: 0, hasProc: true),
                "kernel.unprivileged_userns_clone"
            ),
            (1, .noSpace, NamespaceSwitches(maximum: 0, hasProc: true), "user.max_user_namespaces is 0"),
            (1, .noSpace, NamespaceSwitches(maximum: 99, hasProc: true), "33 levels"),
            (1, .notPermitted, NamespaceSwitches(isChrooted: true, hasProc: true), "chroot"),
            (1, .notPermitted, NamespaceSwitches(hasProc: false), "/proc is not mounted"),
            (1, .invalidArgument, NamespaceSwitches(hasProc: true), "CONFIG_USER_NS"),
            (1, .noFunction, NamespaceSwitches(hasProc: true), "seccomp"),
            (3, .notPermitted, NamespaceSwitches(appArmorRestricts: 1, hasProc: true), "apparmor_restrict"),
            (5, .notPermitted, NamespaceSwitches(appArmorRestricts: 1, hasProc: true), "apparmor_restrict"),
            (5, .notPermitted, NamespaceSwitches(hasProc: true), "using a capability inside it"),
        ] as [(Int32, Errno, NamespaceSwitches, String)])
    func userNamespaceReasons(step: Int32, error: Errno, switches: NamespaceSwitches, part: String) {
        let reason = UserNamespaceHost.explain(step: step, error: error, switches, ordinary)
        #expect(reason.contains(part), "\(reason)")
    }

    @Test("A path that is not there says so and keeps the error")
    func missingPath() {
        let answer = PathSupport.probe("/no/such/path")
        #expect(answer.fileSystem == nil)
        #expect(!answer.takesIDMap)
        #expect(answer.reason == "No such file or directory")
        #expect(answer.error?.errno == .noSuchFileOrDirectory)
    }

    @Test("proc takes no ID map, and the name is that of the mount table")
    func proc() {
        let answer = PathSupport.probe("/proc")
        #expect(answer.fileSystem == "proc")
        #expect(!answer.takesIDMap)
        #expect(answer.reason?.isEmpty == false)
    }
}
