// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import Synchronization
internal import SystemPackage

extension RuntimeFolder {
    private static let logSuffix = ".log"
    private static let timesSuffix = ".times"

    /// The folder of a container's logs, below the root.
    private static func names(_ pod: Pod, _ container: String) -> [String] {
        ["logs", "\(pod.namespace)_\(pod.name)_\(pod.uid)", container]
    }

    /// A file for what an attempt writes. Of those before it only the last is kept.
    ///
    /// It belongs to who the container runs as: a program may open its standard streams once more by their names.
    func newLog(
        of pod: Pod, _ container: String, _ attempt: Int, owner: UInt32
    ) throws(KernelError) -> SharedDescriptor {
        let folder = try folder(Self.names(pod, container))
        for name in try folder.entries() {
            guard let other = Int(name.prefix { $0 != "." }), other < attempt - 1 || other > attempt else { continue }
            try folder.removeFile(name)
        }
        let file = try folder.open(
            "\(attempt)\(Self.logSuffix)", [.create, .writing, .append, .noFollow], mode: 0o640)
        try file.changeOwner(of: "", uid: owner, gid: 0)
        return SharedDescriptor(file)
    }

    /// The attempts of which there are logs, the last one at the end.
    func attempts(of pod: Pod, _ container: String) throws(KernelError) -> [Int] {
        let path = try Self.names(pod, container).map { (name) throws(KernelError) in try checked(name) }
        guard let folder = try root.openIfPresent(path.joined(separator: "/"), [.path, .directory]) else { return [] }
        return try folder.entries().filter { $0.hasSuffix(Self.logSuffix) }
            .compactMap { Int($0.dropLast(Self.logSuffix.count)) }.sorted()
    }

    /// The log of an attempt.
    func log(of pod: Pod, _ container: String, _ attempt: Int) throws(KernelError) -> SharedLog {
        let folder = try folder(Self.names(pod, container))
        return SharedLog(try folder.open("\(attempt)\(Self.logSuffix)", [.reading, .noFollow]))
    }

    /// When it was written.
    func logTimes(of pod: Pod, _ container: String, _ attempt: Int) throws(KernelError) -> LogTimes {
        let folder = try folder(Self.names(pod, container))
        guard let file = try folder.openIfPresent("\(attempt)\(Self.timesSuffix)", .reading) else { return LogTimes() }
        return LogTimes(parsing: try file.readText())
    }

    /// Notes how large a log is now, where it has grown, and gives back the room of what is more than the limit.
    func look(at log: WatchedLog, limit: ByteCount) throws(KernelError) {
        let folder = try folder(Self.names(log.pod, log.container))
        let file = try folder.open("\(log.attempt)\(Self.logSuffix)", [.readingAndWriting, .noFollow])
        let size = try file.status().size
        let known = lastSizes.withLock { $0[log] }
        let last: UInt64
        if let known { last = known } else { last = try logTimes(of: log.pod, log.container, log.attempt).lastSize }
        lastSizes.withLock { $0[log] = size }
        guard size != last else { return }
        let times = try folder.open(
            "\(log.attempt)\(Self.timesSuffix)", [.create, .writing, .append, .noFollow], mode: 0o640)
        try times.write(Array(LogTimes.line(.wallClock, size).utf8))
        // In pieces of a size that every file system can give back, and an eighth of the limit at a time.
        let spare = size - min(size, limit.bytes)
        let piece = max(65536, limit.bytes / 8 / 65536 * 65536)
        if spare >= piece, last / piece != size / piece || known == nil {
            try file.free(before: spare / 65536 * 65536)
        }
    }

    /// Forgets what was noted of a log that is not written any more.
    func forget(_ log: WatchedLog) { lastSizes.withLock { $0[log] = nil } }
}
