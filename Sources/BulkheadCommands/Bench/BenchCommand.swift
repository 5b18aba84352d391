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
            idmap: making a tree usable for a user namespace by 'chown -R', by 'bulkhead shift' and by an ID-mapped mount, \
            with warm and cold caches.
            launch: starting 'true' up to its end, by this library, by 'bulkhead run' and by the tools found in PATH \
            (unshare, bwrap, crun, runc).
            cgroup: a cgroup's life, five limits and reading statistics by this library and by bare system calls in C; \
            one more pod beside many.

            Methods take turns, so that a busy moment of the machine hits all of them; ratios are of medians. Needs \
            root. File systems are new ones in sparse images below --dir, for which there has to be room: a million files \
            take up to 3 GiB. Trees, images, mounts and cgroups are gone at the end, also when interrupted, which then \
            reports what was measured so far.

            Examples:
              bulkhead bench
              bulkhead bench idmap --full --json idmap.json --html idmap.html
              bulkhead bench idmap --files 1,100000 --fs tmpfs,/srv --json -
              bulkhead bench --from idmap.json --svg idmap.svg
              bulkhead bench launch --runs 200
            """)

    @Argument(help: ArgumentHelp("What to measure.", valueName: "idmap|launch|cgroup|all"))
    var subject: BenchSubject = .all

    @Option(help: ArgumentHelp("Numbers of files, comma separated (1,100,10000,100000).", valueName: "n,n,…"))
    var files: [String] = []

    @Flag(help: "Trees of up to 1,000,000 files; takes a good half hour.")
    var full = false

    @Option(
        help: ArgumentHelp(
            "File systems for the trees, comma separated: 'ext4', 'xfs', 'btrfs', 'tmpfs' (new ones), 'overlay' (image "
                + "layers on a new ext4), 'current' (of --dir), or a path. By default all new ones.",
            valueName: "fs,…"))
    var fs: [String] = []

    @Option(help: ArgumentHelp("Numbers of pods that are there already, comma separated.", valueName: "n,n,…"))
    var pods: [String] = []

    @Option(help: ArgumentHelp("Where trees and images are made (TMPDIR, or /var/tmp).", valueName: "dir"))
    var dir: String?

    @Option(help: ArgumentHelp("Runs of each method.", valueName: "n"))
    var runs: Int = 30

    @Option(
        help: ArgumentHelp(
            "For about how long the owners of one tree are changed again, after once by each method.", valueName: "s"))
    var seconds: Int = 8

    @Option(help: ArgumentHelp("Write the results as JSON; '-' prints them instead of the table.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Draw the times of idmap; '-' prints the drawing.", valueName: "file"))
    var svg: String?

    @Option(help: ArgumentHelp("Write a report for a browser, in one file; '-' prints it.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("Measure nothing: show the report that --json wrote.", valueName: "file"))
    var from: String?

    func run() throws {
        let request = try BenchRequest(self)
        if let file = from { return try request.show(try BenchReport(from: FilePath(file))) }
        guard effectiveUserID == 0 else {
            throw ToolFailure(
                .impossible,
                "bench has to be run by root: it chowns trees, mounts and makes cgroups, and this is user "
                    + "\(effectiveUserID)")
        }
        do {
            let report = try BenchSession(request).run()
            try request.show(report)
            if let signal = report.interruption { throw BenchInterrupted(signal: signal) }
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
        /// A file system made for the purpose.
        case new(String)
        /// Image layers on a new one.
        case overlay

        /// For messages.
        var name: String {
            switch self {
            case .directory(let path): path.string
            case .new(let type): type
            case .overlay: "overlay"
            }
        }
    }

    var subjects: [BenchSubject]
    var files: [Int]
    var pods: [Int]
    var places: [Place]
    /// Where scratch folders and images are made.
    var folder: FilePath
    var runs: Int
    var seconds: Int
    var jsonFile: BenchOutputFile?
    var svgFile: BenchOutputFile?
    var htmlFile: BenchOutputFile?

    static let defaultFiles = [1, 100, 10_000, 100_000]
    static let allFiles = defaultFiles + [1_000_000]
    static let defaultPods = [10, 1000]

    init(_ options: BenchCommand) throws {
        subjects = options.subject == .all ? [.idmap, .launch, .cgroup] : [options.subject]
        let asked = options.files.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        guard asked.isEmpty || !options.full else {
            throw ToolFailure(.usage, "--full and --files: one of them says how many files")
        }
        files =
            try asked.isEmpty
            ? options.full ? Self.allFiles : Self.defaultFiles : asked.map { try Self.count($0, "files") }
        let pods = options.pods.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        self.pods = try pods.isEmpty ? Self.defaultPods : pods.map { try Self.count($0, "pods") }
        let usual = environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 }
        // Not everywhere is there a place for what is large.
        let fallback = (try? FileStatus(at: "/var/tmp")) == nil ? "/tmp" : "/var/tmp"
        let folder = FilePath(options.dir ?? usual ?? fallback)
        self.folder = folder
        let places = options.fs.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map(String.init)
        self.places = try (places.isEmpty ? BenchVolume.types + ["overlay"] : places).map {
            try Self.place($0, folder: folder)
        }
        guard (1...1_000_000).contains(options.runs) else {
            throw ToolFailure(.usage, "--runs \(options.runs): expected 1 to 1000000")
        }
        runs = options.runs
        guard (0...100_000).contains(options.seconds) else {
            throw ToolFailure(.usage, "--seconds \(options.seconds): expected 0 to 100000")
        }
        seconds = options.seconds
        jsonFile = try options.json.map { try BenchOutputFile($0, "json") }
        svgFile = try options.svg.map { try BenchOutputFile($0, "svg") }
        htmlFile = try options.html.map { try BenchOutputFile($0, "html") }
        let files = [jsonFile, svgFile, htmlFile].compactMap { $0 }
        guard Set(files).count == files.count else {
            throw ToolFailure(.usage, "--json, --svg and --html: two of them go to the same place")
        }
    }

    /// Writes the files that were asked for; prints the table unless one of them is the standard output.
    func show(_ report: BenchReport) throws {
        try jsonFile?.write(report.json.description + "\n")
        try svgFile?.write(report.svg)
        try htmlFile?.write(report.html)
        if [jsonFile, svgFile, htmlFile].contains(.standardOutput) { return }
        var columns: Int?
        do { columns = try Descriptor.standard(.output).windowSize()?.columns } catch {}
        try Output.print(report.text(.forStandardOutput(), width: columns ?? 100))
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
        case "overlay": return .overlay
        case _ where BenchVolume.types.contains(text): return .new(text)
        case _ where text.contains("/"): return .directory(FilePath(text))
        default:
            throw ToolFailure(
                .usage,
                "--fs \(text): expected \(BenchVolume.types.joined(separator: ", ")), overlay, current, or a path with a slash"
            )
        }
    }
}

/// Where a document goes.
enum BenchOutputFile: Hashable {
    case standardOutput
    case file(FilePath)

    init(_ text: String, _ option: String) throws {
        if text == "-" {
            self = .standardOutput
            return
        }
        let path = FilePath(text)
        guard let name = path.lastComponent?.string, name != ".", name != ".." else {
            throw ToolFailure(.usage, "--\(option) \(path): expected the name of a file")
        }
        // Learnt now, not after minutes of measuring.
        _ = try Output.folder(of: path)
        self = .file(path)
    }

    /// Writes the document.
    func write(_ text: String) throws {
        switch self {
        case .standardOutput: try Output.write(text, to: .output)
        case .file(let path): try Output.write(contents: text, to: path)
        }
    }
}

/// A descriptor where a value with one owner cannot be: in a tuple, in a closure.
final class BenchHeldDescriptor {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}
