// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import PodManifests
internal import SystemPackage
internal import ToolOutput

/// A file named on the command line; `-` is standard input.
struct ManifestFile: Hashable {
    let path: String

    /// The files that these names stand for: a directory for those in it that end in `.yaml`, `.yml` or `.json`, by name.
    static func all(_ names: [String]) throws -> [ManifestFile] {
        try names.flatMap { name in
            guard name != "-" else { return [ManifestFile(path: name)] }
            let place = FilePath(name)
            let file = try Descriptor.open(place, .path)
            guard try file.status().isDirectory else { return [ManifestFile(path: name)] }
            let directory = try Descriptor.open(place, [.directory, .reading])
            let found = try directory.entries().sorted().filter { entry in
                !entry.hasPrefix(".") && [".yaml", ".yml", ".json"].contains { entry.hasSuffix($0) }
            }
            guard !found.isEmpty else {
                throw ToolFailure(.failed, "\(name.printable): the directory holds no *.yaml, *.yml or *.json")
            }
            return found.map { ManifestFile(path: place.appending($0).string) }
        }
    }

    /// Its pods, and where each is described.
    func manifest() throws -> PodManifest {
        let text = try text()
        do { return try PodManifest(parsing: text, file: name) } catch {
            throw ToolFailure(.failed, "\(error)".printableLines)
        }
    }

    /// What it says as a kubelet's configuration.
    func kubeletConfiguration() throws -> KubeletConfiguration {
        let text = try text()
        do { return try KubeletConfiguration(parsing: text, file: name) } catch {
            throw ToolFailure(.failed, "\(error)".printableLines)
        }
    }

    /// What it says as Kubernetes RBAC objects.
    func accessPolicy() throws -> AccessPolicyFile {
        let text = try text()
        do { return try AccessPolicyFile(parsing: text, file: name) } catch {
            throw ToolFailure(.failed, "\(error)".printableLines)
        }
    }

    private var name: String { path == "-" ? "<stdin>" : path }

    private func text() throws -> String {
        let bytes =
            path == "-"
            ? try Descriptor.standard(.input).readBytes() : try Descriptor.open(FilePath(path), .reading).readBytes()
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ToolFailure(.failed, "\(name.printable): is no text: it is not UTF-8")
        }
        return text
    }
}

extension String {
    /// What a terminal may be shown of a message that quotes a file: line breaks stay.
    fileprivate var printableLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
    }
}
