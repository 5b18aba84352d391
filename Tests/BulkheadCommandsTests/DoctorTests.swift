// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite struct DoctorTests {
    private func decoded(_ document: JSON) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(document.description.utf8))
        return try #require(object as? [String: Any])
    }

    @Test("The document has the promised shape")
    func shape() throws {
        let document = try decoded(DoctorReport(paths: ["/", "/no/such/path"]).json)
        let kernel = try #require(document["kernel"] as? [String: Any])
        #expect(
            kernel["release"] is String && kernel["major"] is Int && kernel["minor"] is Int && kernel["patch"] is Int)
        let cgroup = try #require(document["cgroup"] as? [String: Any])
        #expect(["unified", "hybrid", "legacy", "none"].contains(cgroup["mode"] as? String ?? ""))
        #expect(cgroup["controllers"] is [String])
        for missing in try #require(cgroup["unavailable"] as? [[String: Any]]) {
            #expect(missing["controller"] is String && missing["reason"] is String)
        }
        let features = try #require(document["features"] as? [[String: Any]])
        #expect(features.compactMap { $0["name"] as? String } == KernelFeatures.names)
        for feature in features {
            let isAvailable = try #require(feature["available"] as? Bool)
            #expect(isAvailable || feature["reason"] is String)
            #expect(feature["since"] is String)
        }
        let namespaces = try #require(document["userNamespaces"] as? [String: Any])
        #expect(namespaces["available"] is Bool)
        #expect((namespaces["limits"] as? [String: Any])?["max_user_namespaces"] is Int)
        let paths = try #require(document["paths"] as? [[String: Any]])
        #expect(paths.map { $0["path"] as? String } == ["/", "/no/such/path"])
        #expect(paths[1]["idmap"] as? Bool == false)
        #expect(paths[1]["reason"] as? String == "No such file or directory")
    }

    @Test("Requirements are read, and unknown ones refused")
    func requirements() {
        #expect(DoctorRequirement(argument: "userns") == .userNamespaces)
        #expect(DoctorRequirement(argument: "cgroup:memory") == .controller("memory"))
        #expect(DoctorRequirement(argument: "cgroup.kill") == .feature("cgroup.kill"))
        #expect(DoctorRequirement(argument: "idmap:/a:b") == .idmap("/a:b"))
        for unknown in ["", "foo", "cgroup:", "cgroup:foo", "idmap:", "USERNS"] {
            #expect(DoctorRequirement(argument: unknown) == nil, "\(unknown)")
        }
        for name in DoctorRequirement.allValueStrings { #expect(DoctorRequirement(argument: name) != nil) }
    }

    @Test("What is missing is missing for the reason in the report")
    func absence() {
        let report = DoctorReport(paths: ["/proc"])
        #expect(report.absence(of: .idmap("/proc"))?.isEmpty == false)
        #expect(report.absence(of: .userNamespaces) == report.userNamespaces.reason)
        for feature in report.features.all { #expect(report.absence(of: .feature(feature.name)) == feature.reason) }
    }

    @Test("The text has a line for everything, and no escape sequence unless asked")
    func text() {
        let report = DoctorReport(paths: ["/proc"])
        let plain = report.text(Style(isColoured: false))
        for feature in report.features.all { #expect(plain.contains(" \(feature.name) ")) }
        #expect(plain.contains("/proc"))
        #expect(!plain.contains("\u{1B}"))
        #expect(plain.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
        #expect(report.text(Style(isColoured: true)).contains("\u{1B}[32m"))
    }

    @Test("A wrong command line exits with 2, help with 0, what is missing with 3")
    func exitCodes() async {
        #expect(await BulkheadCommand.run(["bulkhead", "doctor", "--no-such-option"]) == 2)
        #expect(await BulkheadCommand.run(["bulkhead", "no-such-command"]) == 2)
        #expect(await BulkheadCommand.run(["bulkhead", "doctor", "--require", "nonsense"]) == 2)
        #expect(await BulkheadCommand.run(["bulkhead", "doctor", "--require", "idmap:/proc"]) == 3)
        #expect(await BulkheadCommand.run(["bulkhead", "doctor", "/no/such/path"]) == 1)
        #expect(await BulkheadCommand.run(["bulkhead", "--version"]) == 0)
    }
}

@Suite struct OutputTests {
    @Test("Texts are escaped so that any reader gets them back")
    func escapes() throws {
        let text = "\u{0}\u{1}\u{1F} \"quoted\" back\\slash \n\r\t\u{7F} ünï 🚧 \u{2028}"
        let data = Data(JSON.array([.string(text)]).description.utf8)
        #expect(try JSONSerialization.jsonObject(with: data) as? [String] == [text])
        #expect(JSON.string("\u{1}\"\\\n").description == #""\u0001\"\\\n""#)
    }

    @Test("Numbers of any width and empty collections print as JSON")
    func numbers() {
        #expect(JSON.integer(UInt64.max).description == "18446744073709551615")
        #expect(JSON.integer(Int64.min).description == "-9223372036854775808")
        #expect(JSON.decimal(0.000021).description == "2.1e-05")
        #expect(JSON.decimal(.infinity) == .null)
        let empty: JSON = ["a": [], "b": [:], "c": nil, "d": true]
        #expect(empty.description == "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": null,\n  \"d\": true\n}")
    }

    @Test("Flat objects take one line, deep and long ones many; nothing gets lost")
    func layout() throws {
        let flat: JSON = ["name": "openat2", "available": true]
        #expect(flat.description == #"{"name": "openat2", "available": true}"#)
        let deep: JSON = ["list": [["a": 1], ["b": [2, 3]]], "long": .strings((0..<60).map { "item \($0)" })]
        let read = try JSONSerialization.jsonObject(with: Data(deep.description.utf8)) as? [String: Any]
        #expect((read?["long"] as? [String])?.count == 60)
        #expect(deep.description.split(separator: "\n").allSatisfy { $0.count < 120 })
        #expect(try JSONSerialization.jsonObject(with: Data(deep.compact.utf8)) is [String: Any])
    }

    @Test("Control characters of names do not reach the terminal")
    func printable() {
        #expect("a\u{1B}[31mb\nc".printable == "a?[31mb?c")
    }
}
