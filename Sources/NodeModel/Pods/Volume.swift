// SPDX-License-Identifier: Apache-2.0

/// Files a pod brings to its containers.
public struct Volume: Sendable, Hashable {
    /// The name that mounts refer to.
    public var name: String
    /// Where the files come from.
    public var source: VolumeSource

    /// A volume.
    public init(name: String, source: VolumeSource) {
        self.name = name
        self.source = source
    }
}

/// Where the files of a volume come from.
public enum VolumeSource: Sendable, Hashable {
    /// A path of the host.
    case hostPath(path: String, type: HostPathType)
    /// An empty directory that lives as long as the pod; in memory when `inMemory`, at most `sizeLimit` large.
    case emptyDir(inMemory: Bool, sizeLimit: ByteCount?)
    /// A kind that nothing here implements, by its field name (`configMap`, `projected`, …). Who starts the pod must
    /// refuse it.
    case unimplemented(kind: String)
}

/// What a host path must be before it is mounted.
public enum HostPathType: String, Sendable, Hashable, CaseIterable {
    /// Anything.
    case unchecked = ""
    /// A directory, created when missing.
    case directoryOrCreate = "DirectoryOrCreate"
    /// A directory.
    case directory = "Directory"
    /// A regular file, created when missing.
    case fileOrCreate = "FileOrCreate"
    /// A regular file.
    case file = "File"
    /// A socket.
    case socket = "Socket"
    /// A character device.
    case characterDevice = "CharDevice"
    /// A block device.
    case blockDevice = "BlockDevice"
}

/// A place in a container where a volume is seen.
public struct VolumeMount: Sendable, Hashable {
    /// The name of the volume.
    public var name: String
    /// The path inside the container.
    public var mountPath: String
    /// The part of the volume to mount; empty for all of it.
    public var subPath: String
    /// Whether the container may only read.
    public var readOnly: Bool

    /// A mount.
    public init(name: String, mountPath: String, subPath: String = "", readOnly: Bool = false) {
        self.name = name
        self.mountPath = mountPath
        self.subPath = subPath
        self.readOnly = readOnly
    }
}
