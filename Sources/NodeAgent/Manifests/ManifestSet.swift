// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import PodManifests

/// A Pod or a Job that is wanted, and the file that says so.
struct WantedItem: Hashable, Sendable {
    var file: String
    var item: WorkItem
}

/// What the files of a folder ask for, over all changes of them.
///
/// A file that is broken leaves in force what it said before; one that is gone takes what it said with it. Of two files that
/// describe one object, the first by name is heard.
struct ManifestSet: Sendable {
    fileprivate struct File: Sendable {
        var content: ManifestFolder.Content
        var items: [WorkItem] = []
        var problems: [NodeProblem] = []
    }

    private var files: [String: File] = [:]
    private var hasLooked = false
    /// What was in force when the agent ended, by file.
    private let before: [String: [WorkItem]]

    /// Nothing was looked at yet.
    /// - Parameter before: what was in force when the agent ended.
    init(before: [WantedItem] = []) {
        self.before = Dictionary(grouping: before, by: \.file).mapValues { $0.map(\.item) }
    }

    /// The folder was looked at.
    mutating func update(_ contents: [String: ManifestFolder.Content]) {
        var new: [String: File] = [:]
        for (name, content) in contents {
            if let known = files[name], known.content == content {
                new[name] = known
            } else {
                // What a file said before the agent started counts only the first time that it is seen.
                let previous = files[name]?.items ?? (hasLooked ? [] : before[name] ?? [])
                new[name] = Self.read(content, name, previous: previous)
            }
        }
        files = new
        hasLooked = true
    }

    private static func read(_ content: ManifestFolder.Content, _ name: String, previous: [WorkItem]) -> File {
        var file = File(content: content)
        let kept = previous.isEmpty ? "" : "; what it said before stays in force"
        do {
            switch content {
            case .unreadable(let reason):
                file.items = previous
                file.problems = [NodeProblem(file: name, reason + kept)]
            case .text(let text): file.take(try WorkManifest(parsing: text, file: name).items, name, previous)
            }
        } catch {
            file.items = previous
            var problem = NodeProblem(error)
            problem.reason += kept
            file.problems = [problem]
        }
        return file
    }

    /// What is in force, in the order of the files, and what is wrong with the rest. Before the first look, all that was in
    /// force before.
    func wanted() -> (items: [WantedItem], problems: [NodeProblem]) {
        if !hasLooked {
            let items = before.sorted { $0.key < $1.key }.flatMap { file, items in
                items.map { WantedItem(file: file, item: $0) }
            }
            return (items, [])
        }
        var items: [WantedItem] = []
        var problems: [NodeProblem] = []
        var holders: [String: String] = [:]
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            problems += file.problems
            for item in file.items {
                let claims = [item.title, item.uid]
                if let holder = claims.compactMap({ holders[$0] }).first {
                    problems.append(
                        NodeProblem(
                            file: name, object: item.name,
                            "the \(item.title) or its uid is described by \(holder), too, which comes first"))
                    continue
                }
                for claim in claims { holders[claim] = name }
                items.append(WantedItem(file: name, item: item))
            }
        }
        return (items, problems)
    }
}

extension ManifestSet.File {
    /// Takes what a node can do; of what it cannot, the previous version stays in force.
    fileprivate mutating func take(_ new: [WorkItem], _ name: String, _ previous: [WorkItem]) {
        for item in new {
            let fields = item.unimplementedFields
            if fields.isEmpty {
                items.append(item)
                continue
            }
            let old = previous.first { $0.title == item.title }
            if let old { items.append(old) }
            problems += fields.map { field in
                var problem = NodeProblem(field, file: name, object: item.name)
                problem.reason += old == nil ? ", so it is not run" : "; the version before stays in force"
                return problem
            }
        }
    }
}

extension WorkItem {
    /// `Pod default/web`.
    fileprivate var title: String {
        switch object {
        case .pod: "Pod \(name)"
        case .job: "Job \(name)"
        }
    }

    fileprivate var unimplementedFields: [UnimplementedField] {
        switch object {
        case .pod(let pod): pod.spec.unimplementedFields
        case .job(let job): job.spec.unimplementedFields
        }
    }
}
