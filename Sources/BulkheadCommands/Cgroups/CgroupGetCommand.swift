// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead cgroup get`: the content of interface files.
struct CgroupGetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Prints interface files: those named, or all that can be read.",
        discussion: "Of a single file the content alone is printed, as the kernel gives it.")

    @OptionGroup var options: CgroupOptions

    @Argument(help: .init("Files such as memory.max.", valueName: "file"), completion: CgroupCompletion.files())
    var files: [String] = []

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        let cgroup = try place.open()
        let found = files.isEmpty ? try Self.all(of: cgroup) : try named(in: cgroup, place)
        if options.json {
            let members = found.map { JSON.Member($0.name, .string($0.text)) }
            try Output.print(["path": .string(place.path.description), "files": .object(members)])
        } else if files.count == 1, let only = found.first {
            try Output.print(only.text)
        } else {
            try Output.print(Self.text(found, Style.forStandardOutput()))
        }
    }

    /// The files that were asked for; one that is not there is an error.
    private func named(in cgroup: borrowing Cgroup, _ place: CgroupPlace) throws -> [(name: String, text: String)] {
        var found: [(name: String, text: String)] = []
        for name in files {
            guard let text = try cgroup.text(of: CgroupFile(named: name)) else {
                throw ToolFailure(
                    .failed,
                    "\(place.path.text) has no file \(name.printable): \(cgroup.absence(of: CgroupFile(named: name)))")
            }
            found.append((name, text.trimmingNewline))
        }
        return found
    }

    private static func all(of cgroup: borrowing Cgroup) throws -> [(name: String, text: String)] {
        var found: [(name: String, text: String)] = []
        for name in try cgroup.fileNames() {
            // cgroup.kill and memory.reclaim are only written.
            guard CgroupFile(named: name).access != .write, let status = try? cgroup.directory.status(of: name),
                status.mode & 0o444 != 0
            else { continue }
            do throws(KernelError) {
                guard let text = try cgroup.text(of: CgroupFile(named: name)) else { continue }
                found.append((name, text.trimmingNewline))
            } catch {
                // A threaded cgroup has cgroup.procs, but does not show it.
                guard error.errno == .notSupportedOnSocket || error.errno == .permissionDenied else { throw error }
            }
        }
        return found
    }

    private static func text(_ files: [(name: String, text: String)], _ style: Style) -> String {
        let width = files.map(\.name.count).max() ?? 0
        return files.map { name, text in
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
            // Processes and threads, of which there can be thousands.
            if lines.count > 1, lines.allSatisfy({ Int32($0) != nil }) { lines = [lines.joined(separator: " ")] }
            let rest = lines.dropFirst().map { "\n" + String(repeating: " ", count: width + 2) + $0 }.joined()
            return style.bold(name.padded(to: width)) + "  " + (lines.first ?? "") + rest
        }.joined(separator: "\n")
    }
}
