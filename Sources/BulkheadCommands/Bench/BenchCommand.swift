// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead bench`: what isolation costs on this host, beside the tools that do the same.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what isolation costs on this host, beside the tools that do the same.",
        discussion: """
            idmap: making a tree usable for a user namespace by 'chown -R' and by an ID-mapped mount.
            launch: starting 'true' up to its end, by this library, by 'bulkhead run' and by the tools found in PATH \
            (unshare, bwrap, crun, runc).
            cgroup: a cgroup's life, five limits and reading statistics by this library and by bare system calls in C; \
            one more pod beside many.

            Methods take turns, so that a busy moment of the machine hits all of them; ratios are of medians. Needs \
            root. Trees, mounts and cgroups are removed at the end, also when interrupted.

            Examples:
              bulkhead bench
              bulkhead bench idmap --files 1,100000 --fs tmpfs --json -
              bulkhead bench launch --runs 200
            """)

    @Argument(help: ArgumentHelp("What to measure.", valueName: "idmap|launch|cgroup|all"))
    var subject: BenchSubject = .all

    @Option(help: ArgumentHelp("Numbers of files, comma separated.", valueName: "n,n,…"))
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            "File systems for the trees, comma separated: 'current' (of --dir), 'tmpfs' (a new one), or a path.",
            valueName: "fs,…"))
    var fs: [String] = []

    @Option(help: ArgumentHelp("Numbers of pods that are there already, comma separated.", valueName: "n,n,…"))
    var pods: [String] = []

    @Option(help: ArgumentHelp("Where trees are made (TMPDIR, or /var/tmp).", valueName: "dir"))
    var dir: String?

    @Option(help: ArgumentHelp("Runs of each method.", valueName: "n"))
    var runs: Int = 30

    @Option(help: ArgumentHelp("Write the results as JSON; '-' prints them instead of the table.", valueName: "file"))
    var json: String?

    func run() throws {
        let request = try BenchRequest(self)
        guard effectiveUserID == 0 else {
            throw ToolFailure(
                .impossible,
                "bench has to be run by root: it chowns trees, mounts and makes cgroups, and this is user "
                    + "\(effectiveUserID)")
        }
        do {
            let report = try BenchSession(request).run()
            if let file = request.jsonFile { try file.write(report.json) }
            if request.jsonFile == .standardOutput { return }
            try Output.print(report.text(.forStandardOutput()))
        } catch let stop as BenchInterrupted {
            Output.complain("stopped by signal \(stop.signal); trees, mounts and cgroups are removed")
            throw ExitCode(128 + stop.signal)
        }
    }
}

enum BenchSubject: String, ExpressibleByArgument, CaseIterable {
    case idmap, launch, cgroup, all
}

/// The options as checked values.
struct BenchRequest: Hashable {
    enum Place: Hashable {
        /// A directory, whatever file system it is on.
        case directory(FilePath)
        /// A tmpfs made for the purpose.
        case newTmpfs
    }

    var subjects: [BenchSubject]
    var files: [Int]
    var pods: [Int]
    var places: [Place]
    /// Where scratch folders are made.
    var folder: FilePath
    var runs: Int
    var jsonFile: BenchJSONFile?

    static let defaultFiles = [1, 100, 1000, 10_000]
    static let defaultPods = [10, 1000]

    init(_ options: BenchCommand) throws {
        subjects = options.subject == .all ? [.idmap, .launch, .cgroup] : [options.subject]
        let asked = options.files.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        files = try asked.isEmpty ? Self.defaultFiles : asked.map { try Self.count($0, "files") }
        let pods = options.pods.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        self.pods = try pods.isEmpty ? Self.defaultPods : pods.map { try Self.count($0, "pods") }
        let folder = FilePath(options.dir ?? environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/var/tmp")
        self.folder = folder
        let places = options.fs.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map(String.init)
        self.places = try (places.isEmpty ? ["current"] : places).map { try Self.place($0, folder: folder) }
        guard (1...1_000_000).contains(options.runs) else {
            throw ToolFailure(.usage, "--runs \(options.runs): expected 1 to 1000000")
        }
        runs = options.runs
        jsonFile = try options.json.map(BenchJSONFile.init)
    }

    private static func count(_ text: Substring, _ option: String) throws -> Int {
        guard let count = Int(text), text.first?.isNumber == true, (1...10_000_000).contains(count) else {
            throw ToolFailure(.usage, "--\(option) \(text): expected numbers from 1 to 10000000, separated by commas")
        }
        return count
    }

    private static func place(_ text: String, folder: FilePath) throws -> Place {
        switch text {
        case "current": return .directory(folder)
        case "tmpfs": return .newTmpfs
        case _ where text.contains("/"): return .directory(FilePath(text))
        case "ext4", "xfs", "btrfs":
            throw ToolFailure(
                .impossible, "--fs \(text): this version makes no \(text); give the path of a directory on one")
        default: throw ToolFailure(.usage, "--fs \(text): expected current, tmpfs or a path with a slash")
        }
    }
}

/// Where the JSON document goes.
enum BenchJSONFile: Hashable {
    case standardOutput
    case file(FilePath)

    init(_ text: String) throws {
        if text == "-" {
            self = .standardOutput
            return
        }
        let path = FilePath(text)
        guard let name = path.lastComponent?.string, name != ".", name != ".." else {
            throw ToolFailure(.usage, "--json \(path): expected the name of a file")
        }
        // Learnt now, not after minutes of measuring.
        _ = try Output.folder(of: path)
        self = .file(path)
    }

    /// Writes the document.
    func write(_ document: JSON) throws {
        switch self {
        case .standardOutput: try Output.print(document)
        case .file(let path): try Output.write(document, to: path)
        }
    }
}

/// A descriptor where a value with one owner cannot be: in a tuple, in a closure.
final class BenchHeldDescriptor {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
