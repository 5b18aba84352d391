// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

extension BenchReport {
    /// A report that `--json` wrote, of this version or an older one.
    init(from path: FilePath) throws {
        let text = try Descriptor.open(path, .reading).readText()
        do {
            self = try BenchReport(try JSON(parsing: text))
        } catch let error as JSONError {
            throw ToolFailure(.failed, "\(path): \(error)")
        } catch let error as ToolFailure {
            throw ToolFailure(error.exit, "\(path): \(error.message)")
        }
    }

    /// A report from its document.
    init(_ document: JSON) throws {
        guard let kernel = document["kernel"]?.text, let results = document["results"]?.elements else {
            throw ToolFailure(.failed, "no report of 'bulkhead bench --json': it has no kernel or no results")
        }
        self.init(kernel: kernel, processors: document["processors"]?.integer ?? 0)
        context = BenchContext(document)
        interruption = document["interruptedBy"]?.integer.flatMap { Int32(exactly: $0) }
        for (index, entry) in results.enumerated() {
            guard let result = BenchResult(entry) else {
                throw ToolFailure(.failed, "result \(index + 1) lacks a bench, a method or its seconds")
            }
            self.results.append(result)
        }
        for entry in document["omitted"]?.elements ?? [] {
            guard let group = BenchResult.Group(entry), let method = entry["method"]?.text else { continue }
            omissions.append(BenchOmission(group: group, method: method, reason: entry["reason"]?.text ?? ""))
        }
        for member in document["notes"]?.members ?? [] {
            notes[member.name] = (member.value.elements ?? []).compactMap(\.text)
        }
    }
}

extension BenchResult.Group {
    fileprivate init?(_ entry: JSON) {
        guard let bench = entry["bench"]?.text else { return nil }
        self.init(
            bench: bench, fileSystem: entry["fs"]?.text, files: entry["files"]?.integer, task: entry["task"]?.text,
            pods: entry["pods"]?.integer)
    }
}

extension BenchResult {
    fileprivate init?(_ entry: JSON) {
        guard let group = Group(entry), let method = entry["method"]?.text, let seconds = entry["seconds"],
            let min = seconds["min"]?.decimal, let median = seconds["median"]?.decimal,
            let max = seconds["max"]?.decimal, let runs = seconds["runs"]?.integer
        else { return nil }
        self.init(
            group: group, method: method, summary: BenchSummary(min: min, median: median, max: max, runs: runs),
            reference: entry["ratio"]?["to"]?.text)
        if let quartiles = entry["ratio"]?["quartiles"]?.elements?.compactMap(\.decimal), quartiles.count == 2,
            quartiles[0] <= quartiles[1]
        {
            spread = quartiles[0]...quartiles[1]
        }
        for member in entry["counts"]?.members ?? [] { counts[member.name] = member.value.integer }
    }
}
