// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing

@testable import BulkheadCommands
@testable import BulkheadRun

/// The reader that `bulkhead run` begins with, beside the tool's parser: whatever the one reads, the other reads alike.
@Suite("The two readers of bulkhead run's options")
struct RunReaderTests {
    /// A parse takes 15 ms in debug; 4,000 lines were compared once.
    private static let lines = 150

    /// What the tool's parser makes of the words after `run`; nil when it refuses them or shows its help.
    private static func parsed(_ words: [String]) -> RunOptions? {
        (try? BulkheadCommand.parseAsRoot(["run"] + words) as? RunCommand)?.options
    }

    /// A value that the option takes.
    private static func value(of option: RunOption, _ number: Int = 0) -> String {
        switch option {
        case .net: RunNetwork.allCases[number % 2].rawValue
        case .volumeOwners: VolumeOwners.allCases[number % 4].rawValue
        case .tty: RunTerminalChoice.allCases[number % 3].rawValue
        default: ["1", "a=b", "/x:/y:ro", "ü 7", "in-between"][number % 5]
        }
    }

    @Test("Both know the same options, and which take a value")
    func names() {
        let help = BulkheadCommand.helpMessage(for: RunCommand.self, columns: 400)
        let shown = help.split(separator: "\n").compactMap { line -> String? in
            let words = line.split(separator: " ").prefix(2)
            // What the tool has for every command is not among them.
            guard line.hasPrefix("  --"), let name = words.first, name != "--version" else { return nil }
            return words.last?.hasPrefix("<") == true ? "\(name) VALUE" : "\(name)"
        }
        let known = RunOption.allCases.map { "--\($0.rawValue)" + ($0.isFlag ? "" : " VALUE") }
        #expect(shown.sorted() == known.sorted())
    }

    @Test("Each option is read alike, with its value apart or behind =", arguments: RunOption.allCases)
    func single(option: RunOption) {
        let name = "--\(option.rawValue)"
        // Maps of uids and gids go together, so each brings the other.
        let partner =
            switch option {
            case .uidMap: ["--gid-map", "0:1:1"]
            case .gidMap: ["--uid-map", "0:1:1"]
            default: [] as [String]
            }
        let number = option.rawValue.utf8.count
        let (value, other) = (Self.value(of: option, number), Self.value(of: option, number + 1))
        for words in option.isFlag ? [[name]] : [[name, value], ["\(name)=\(other)"]] {
            let line = words + partner + ["--", "id", "-u"]
            let read = RunOptions(reading: line)
            #expect(read != nil && read == Self.parsed(line), "\(line)")
        }
        #expect(
            option.isFlag
                || RunOptions(reading: [name, value] + partner + ["id"])
                    != RunOptions(reading: [name, other] + partner + ["id"])
        )
    }

    @Test("Whatever words are read at the start are read the same by the parser, and what that refuses is left to it")
    func madeUpLines() {
        // The same lines each time: a generator with a fixed seed.
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        let odd = [
            "", "-", "--", "-f", "-x", "--bogus", "--help", "-h", "--version", "a", "run", "--map=", "--tty", "=",
            "--=x",
        ]
        var read = 0
        for _ in 0..<Self.lines {
            var line: [String] = []
            for _ in 0..<random(5) {
                let option = RunOption.allCases[random(RunOption.allCases.count)]
                let name = "--\(option.rawValue)"
                switch random(12) {
                case 0: line.append(odd[random(odd.count)])
                case 1: line.append(name)
                case 2: line += [name, odd[random(odd.count)]]
                case 3: line.append(name + "=" + odd[random(odd.count)])
                default: line += option.isFlag ? [name] : [name, Self.value(of: option, random(5))]
                }
            }
            if random(4) > 0 { line.append("--") }
            for _ in 0..<random(3) { line.append(["id", "-u", "--", "--help", "--map"][random(5)]) }
            guard let options = RunOptions(reading: line) else { continue }
            read += 1
            #expect(options == Self.parsed(line), "\(line)")
        }
        #expect(read > Self.lines / 4, "only \(read) of the lines were read")
    }

    @Test(
        "What the reader leaves to the parser",
        arguments: [
            [], ["--"], ["--help"], ["-h"], ["-f", "pod.yaml"], ["--bogus", "--", "id"], ["-x"], ["-"],
            ["--user", "1", "--user", "2", "id"], ["--auto-map", "--map", "0:1:1", "id"], ["--uid-map", "0:1:1", "id"],
            ["--net", "none", "id"], ["--best-eff", "id"], ["--map"], ["--map", "--", "id"], ["--auto-map=yes", "id"],
        ] as [[String]])
    func leftToTheParser(line: [String]) { #expect(RunOptions(reading: line) == nil) }
}
