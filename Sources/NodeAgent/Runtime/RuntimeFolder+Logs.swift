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
        try logTimes(in: folder(Self.names(pod, container)), attempt)
    }

    private func logTimes(in folder: borrowing Descriptor, _ attempt: Int) throws(KernelError) -> LogTimes {
        guard let file = try folder.openIfPresent("\(attempt)\(Self.timesSuffix)", .reading) else { return LogTimes() }
        return LogTimes(parsing: try file.readText())
    }

    /// An attempt's log, to be looked at.
    func watched(_ pod: Pod, _ container: String, _ attempt: Int) -> WatchedLog {
        WatchedLog(folder: Self.names(pod, container), attempt: attempt)
    }

    /// Notes how large a log is now, where it has grown, and gives back the room of what is more than the limit.
    func look(at log: WatchedLog, limit: ByteCount) throws(KernelError) {
        // One call, for most logs have not grown. All that leads to them is root's own.
        let size = try root.status(of: log.path + Self.logSuffix).size
        let known = lastSizes.withLock { $0[log] }
        if known == size { return }
        let folder = try folder(log.folder)
        let last: UInt64
        if let known { last = known } else { last = try logTimes(in: folder, log.attempt).lastSize }
        defer { lastSizes.withLock { $0[log] = size } }
        guard size != last else { return }
        // First the room, for noting may need some. In pieces of a size that every file system can give back, and an eighth of the limit at a time.
        let spare = size - min(size, limit.bytes)
        let piece = max(65536, limit.bytes / 8 / 65536 * 65536)
        if spare >= piece, last / piece != size / piece || known == nil {
            let file = try folder.open("\(log.attempt)\(Self.logSuffix)", [.readingAndWriting, .noFollow])
            try file.free(before: spare / 65536 * 65536)
        }
        try note(size, of: log, in: folder)
    }

    private func note(_ size: UInt64, of log: WatchedLog, in folder: borrowing Descriptor) throws(KernelError) {
        let name = "\(log.attempt)\(Self.timesSuffix)"
        let times = try folder.open(name, [.create, .writing, .append, .noFollow], mode: 0o640)
        try times.write(Array(LogTimes.line(.wallClock, size).utf8))
        guard try times.status().size > Self.timesLimit else { return }
        let thinned = try logTimes(in: folder, log.attempt).thinned
        let unfinished = "\(name).new"
        try folder.open(unfinished, [.create, .truncate, .writing, .noFollow], mode: 0o640)
            .write(Array(thinned.text.utf8))
        try folder.rename(unfinished, to: name)
    }

    /// With more bytes than that, every second look is forgotten: some 50,000 are kept.
    private static let timesLimit: UInt64 = 1 << 20

    /// Forgets what was noted of a log that is not written any more.
    func forget(_ log: WatchedLog) { lastSizes.withLock { $0[log] = nil } }
}
