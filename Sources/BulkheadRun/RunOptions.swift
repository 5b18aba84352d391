// SPDX-License-Identifier: Apache-2.0

/// The words of a `bulkhead run` command line, sorted by option and not yet looked into.
package struct RunOptions: Hashable, Sendable {
    package var map: [String] = []
    package var uidMap: [String] = []
    package var gidMap: [String] = []
    package var autoMap = false
    package var user: String?
    package var rootfs: String?
    package var volumes: [String] = []
    /// Of volumes that do not say it.
    package var volumeOwners = VolumeOwners.idmap
    package var addedCapabilities: [String] = []
    package var droppedCapabilities: [String] = []
    package var seccomp: String?
    package var cgroup: String?
    package var memoryMin: String?
    package var memoryLow: String?
    package var memoryHigh: String?
    package var memoryMax: String?
    package var pidsMax: String?
    package var cpus: String?
    /// The files of `-f`.
    package var manifests: [String] = []
    package var images: [String] = []
    package var net = RunNetwork.own
    package var hostname = "bulkhead"
    package var environment: [String] = []
    package var workdir = "/"
    package var tty = RunTerminalChoice.auto
    package var bestEffort = false
    package var jsonStatus: String?
    /// The command and its arguments, with the `--` before it where there is one.
    package var command: [String] = []

    package init() {}

    /// What is wrong with the options of ids, in words; nil when nothing is.
    package var idProblem: String? {
        guard uidMap.isEmpty == gidMap.isEmpty else { return "--uid-map and --gid-map go together" }
        let ways = [!map.isEmpty, !uidMap.isEmpty, autoMap].filter { $0 }.count
        return ways <= 1 ? nil : "give one of --map, --uid-map with --gid-map, and --auto-map"
    }

    /// What is wrong with the command, in words; nil when nothing is.
    package var commandProblem: String? {
        // The parser hands over everything from the first word that is no option of ours, such a word included.
        if let word = command.first, word.hasPrefix("-"), word != "--" { return "unknown option '\(word)'" }
        guard !command.isEmpty && command != ["--"] || !manifests.isEmpty else {
            return "no command was given; as in: bulkhead run -- id"
        }
        guard manifests.isEmpty || command.isEmpty else {
            return "-f runs the containers' own commands: leave out '\(command.joined(separator: " "))'"
        }
        return nil
    }
}

extension RunOptions {
    /// Reads what follows `run` on a command line, as the tool's parser does.
    ///
    /// This is the start of every run, and that parser takes longer than bubblewrap's whole life; so plain options are
    /// read here. Nil for all else (help, `-f`, what is wrong, abbreviated, or said twice): that is the parser's.
    package init?(reading words: some Sequence<String>) {
        self.init()
        var seen: Set<RunOption> = []
        var rest = words.makeIterator()
        while let word = rest.next() {
            guard word.utf8.first == UInt8(ascii: "-"), word != "--" else {
                command = [word]
                while let next = rest.next() { command.append(next) }
                break
            }
            guard word.hasPrefix("--") else { return nil }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first, let option = RunOption(rawValue: String(name)),
                seen.insert(option).inserted || option.isList
            else { return nil }
            if option.isFlag {
                guard parts.count == 1 else { return nil }
                set(option)
            } else {
                guard let value = parts.count == 2 ? String(parts[1]) : rest.next(), !value.isEmpty,
                    !value.hasPrefix("-"), take(option, value)
                else { return nil }
            }
        }
        guard idProblem == nil, commandProblem == nil else { return nil }
    }

    private mutating func set(_ flag: RunOption) {
        if flag == .autoMap { autoMap = true } else { bestEffort = true }
    }

    /// Takes an option's value; false when it is none of those that the option has.
    private mutating func take(_ option: RunOption, _ value: String) -> Bool {
        switch option {
        case .map: map.append(value)
        case .uidMap: uidMap.append(value)
        case .gidMap: gidMap.append(value)
        case .user: user = value
        case .rootfs: rootfs = value
        case .volume: volumes.append(value)
        case .volumeOwners:
            guard let owners = VolumeOwners(rawValue: value) else { return false }
            volumeOwners = owners
        case .capAdd: addedCapabilities.append(value)
        case .capDrop: droppedCapabilities.append(value)
        case .seccomp: seccomp = value
        case .cgroup: cgroup = value
        case .memoryMin: memoryMin = value
        case .memoryLow: memoryLow = value
        case .memoryHigh: memoryHigh = value
        case .memoryMax: memoryMax = value
        case .pidsMax: pidsMax = value
        case .cpus: cpus = value
        case .image: images.append(value)
        case .net:
            guard let network = RunNetwork(rawValue: value) else { return false }
            net = network
        case .hostname: hostname = value
        case .env: environment.append(value)
        case .workdir: workdir = value
        case .tty:
            guard let choice = RunTerminalChoice(rawValue: value) else { return false }
            tty = choice
        case .jsonStatus: jsonStatus = value
        case .autoMap, .bestEffort: return false
        }
        return true
    }
}
