// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

extension DoctorReport {
    /// The report for a terminal: a line for each thing, aligned, the cause behind every no.
    func text(_ style: Style) -> String {
        var lines: [String] = []
        func section(_ title: String, _ detail: String = "") {
            if !lines.isEmpty { lines.append("") }
            lines.append(style.bold(title) + (detail.isEmpty ? "" : "  " + detail))
        }
        func rows(_ rows: [Row]) {
            let name = rows.map(\.name.count).max() ?? 0
            let detail = rows.map(\.detail.count).max() ?? 0
            for row in rows {
                let line =
                    "  " + row.mark(style) + " " + row.name.padded(to: name) + "  "
                    + style.dim(row.detail.padded(to: detail))
                    + (detail > 0 ? "  " : "") + row.cause
                lines.append(trimmed(line))
            }
        }
        section("kernel", release)
        for warning in warnings { lines.append("  " + style.yellow("warning") + " " + warning.text) }

        section("cgroups", cgroupSummary)
        rows(
            cgroup.controllers.map { Row(true, $0) }
                + cgroup.unavailable.map { Row(false, $0.controller, cause: $0.reason) })
        for remedy in uniqueRemedies { lines.append(style.dim("  to change that: \(remedy)")) }

        let limit = userNamespaces.limits.first { $0.name == "max_user_namespaces" }
        section("user namespaces")
        rows([
            Row(
                userNamespaces.isAvailable, "userns",
                cause: userNamespaces.reason ?? limit.map { "at most \($0.value) for this user" } ?? "")
        ])

        section("features")
        rows(
            features.all.map {
                Row(
                    $0.available ? true : $0.inKernel == nil ? nil : false, $0.name, "since \($0.since.release)",
                    cause: $0.reason ?? $0.note ?? "")
            })
        if !paths.isEmpty {
            section("ID-mapped mounts by path")
            rows(
                paths.map {
                    Row($0.takesIDMap, $0.path.string.printable, $0.fileSystem ?? "", cause: $0.reason ?? "")
                })
        }
        return lines.joined(separator: "\n")
    }

    private var cgroupSummary: String {
        guard let root = cgroup.root else { return "\(cgroup.mode.rawValue): \(cgroup.absence ?? "")" }
        let options = cgroup.mountOptions.isEmpty ? "" : " (\(cgroup.mountOptions.joined(separator: ", ")))"
        return "\(cgroup.mode.rawValue), cgroup v2 at \(root.string.printable)\(options)"
    }

    /// One remedy often helps many controllers: each is said once.
    private var uniqueRemedies: [String] {
        var seen: Set<String> = []
        return cgroup.unavailable.compactMap(\.remedy).filter { seen.insert($0).inserted }
    }

    private func trimmed(_ line: String) -> String {
        var line = line
        while line.last == " " { line.removeLast() }
        return line
    }

    private struct Row {
        /// Yes, no, or not to be told.
        var isThere: Bool?
        var name: String
        var detail: String
        var cause: String

        init(_ isThere: Bool?, _ name: String, _ detail: String = "", cause: String = "") {
            self.isThere = isThere
            self.name = name
            self.detail = detail
            self.cause = cause
        }

        func mark(_ style: Style) -> String {
            switch isThere {
            case true?: style.green("yes")
            case false?: style.red("no ")
            case nil: style.yellow(" ? ")
            }
        }
    }
}
