// SPDX-License-Identifier: Apache-2.0

extension CapabilitySet {
    /// What Docker gives a container: fourteen.
    public static let dockerDefault: CapabilitySet = [
        .chown, .dacOverride, .fsetid, .fowner, .mknod, .netRaw, .setgid, .setuid, .setfcap, .setpcap, .netBindService,
        .sysChroot, .kill, .auditWrite,
    ]

    /// What containerd gives a container: Docker's fourteen. A Kubernetes container that says nothing gets its
    /// runtime's default, this one or CRI-O's.
    public static let containerdDefault = dockerDefault

    /// What Podman gives a container: eleven.
    public static let podmanDefault = dockerDefault.subtracting([.mknod, .netRaw, .auditWrite])

    /// What CRI-O gives a container: nine.
    public static let crioDefault = podmanDefault.subtracting([.setfcap, .sysChroot])

    /// What `runc spec` writes into a new OCI configuration: three.
    public static let ociDefault: CapabilitySet = [.auditWrite, .kill, .netBindService]

    /// What Kubernetes' Pod Security Standard "baseline" lets a container add: thirteen.
    public static let kubernetesBaseline = dockerDefault.subtracting([.netRaw])

    /// What its standard "restricted" lets a container add, all others being dropped.
    public static let kubernetesRestricted: CapabilitySet = [.netBindService]

    /// What a workload gets inside its own user namespace: Docker's, and the say over its own network namespace.
    public static let userNamespaceDefault: CapabilitySet = dockerDefault.union([.netAdmin])

    /// The set with what is added, and without what is dropped and not added, as far as the kernel knows them; and what was
    /// added alone, which is all that a command gets that does not run as root.
    public func changed(
        adding added: CapabilitySet, dropping dropped: CapabilitySet
    ) -> (all: CapabilitySet, added: CapabilitySet) {
        (subtracting(dropped).union(added).intersection(.supported), added.intersection(.supported))
    }

    /// The sets that go by a name, with whose they are.
    public static let named: [(name: String, set: CapabilitySet, whose: String)] = [
        ("bulkhead", userNamespaceDefault, "what bulkhead run gives, in a user namespace of its own"),
        ("docker", dockerDefault, "what Docker gives a container"),
        ("containerd", containerdDefault, "what containerd gives a container, under Kubernetes too"),
        ("podman", podmanDefault, "what Podman gives a container"),
        ("cri-o", crioDefault, "what CRI-O gives a container"),
        ("oci", ociDefault, "what runc spec writes into a new configuration"),
        ("baseline", kubernetesBaseline, "what Kubernetes' Pod Security Standard baseline lets a container add"),
        ("restricted", kubernetesRestricted, "what the standard restricted lets a container add"),
    ]
}
