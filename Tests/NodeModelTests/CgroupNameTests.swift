// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Name: Decodable {
        let test: String
        let `internal`: [String]
        let cgroupfs: String
        let systemd: String
    }
    struct Root: Decodable {
        let cgroup_root: String
        let cgroups_per_qos: Bool
        let driver: String
        let expected: String
    }
    struct Suffix: Decodable {
        let uid: String
        let expected: String
    }
    struct IsPod: Decodable {
        let `internal`: [String]
        let is_pod: Bool
        let uid: String
    }
    struct Leaf: Decodable {
        let runtime: String
        let driver: String
        let leaf: String
    }
    struct Procs: Decodable {
        enum Expected: Decodable {
            case ids([Int32])
            case error
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                self = if let ids = try? value.decode([Int32].self) { .ids(ids) } else { .error }
            }
        }
        let file: String?
        let expected: Expected
    }
    let pod_names: [Name]
    let node_allocatable_root: [Root]
    let pod_suffix: [Suffix]
    let is_pod_cgroup: [IsPod]
    let container_leaf: [Leaf]
    let cgroup_procs: [Procs]
}

@Suite struct CgroupNameTests {
    private let table: Table

    init() throws { table = try vectors("cgroup_names.json") }

    @Test func `Both drivers spell names as in the table, and read them back`() throws {
        for row in table.pod_names {
            let name = try CgroupName(row.internal)
            #expect(try name.path(driver: .cgroupfs).description == row.cgroupfs, "\(row.test)")
            #expect(try name.path(driver: .systemd).description == row.systemd, "\(row.test)")
            #expect(try CgroupName(cgroupfs: row.cgroupfs) == name, "\(row.test)")
            #expect(try CgroupName(systemd: row.systemd) == name, "\(row.test)")
        }
    }

    @Test func `The root of all pods is where the kubelet puts it`() throws {
        for row in table.node_allocatable_root {
            let root = try PodCgroupLayout.nodeAllocatableRoot(
                cgroupRoot: row.cgroup_root, cgroupsPerQoS: row.cgroups_per_qos)
            let driver = try #require(CgroupDriver(rawValue: row.driver))
            #expect(try root.path(driver: driver).description == row.expected)
        }
    }

    @Test func `A pod's control group is named by its uid, and is known by its name`() throws {
        for row in table.pod_suffix { #expect(PodCgroupLayout.podComponent(uid: row.uid) == row.expected) }
        let layout = PodCgroupLayout(root: .root)
        for row in table.is_pod_cgroup {
            let uid = layout.podUID(of: try CgroupName(row.internal))
            #expect((uid != nil) == row.is_pod, "\(row.internal)")
            #expect((uid ?? "") == row.uid, "\(row.internal)")
        }
    }

    @Test func `A uid that holds pod again is no pod's`() throws {
        let layout = PodCgroupLayout()
        #expect(layout.podUID(of: try CgroupName(["kubepods", "podapodb"])) == nil)
        #expect(layout.podUID(of: try CgroupName(["kubepods", "podpod"])) == nil)
        #expect(layout.podUID(of: try CgroupName(["kubepods", "burstable", "pod1", "app"])) == nil)
        #expect(layout.podUID(of: try layout.name(ofPod: "1-2", class: .burstable)) == "1-2")
    }

    @Test func `Containers are named by their runtime`() throws {
        for row in table.container_leaf {
            let runtime = try #require(ContainerRuntime(rawValue: row.runtime))
            let driver = try #require(CgroupDriver(rawValue: row.driver))
            #expect(runtime.leaf(id: "<id>", driver: driver) == row.leaf)
        }
    }

    @Test func `Process ids are read as in the table`() {
        for row in table.cgroup_procs {
            // A file that is not there lists nothing.
            let text = row.file ?? ""
            switch row.expected {
            case .ids(let ids): #expect((try? ProcessIDList(parsing: text).ids) == ids)
            case .error: #expect(throws: ProcessIDListError.self) { try ProcessIDList(parsing: text) }
            }
        }
        #expect((try? ProcessIDList(parsing: "1\n0\n0\n57\n57\n").ids) == [1, 0, 0, 57, 57])
    }

    @Test func `The root has no name with either driver`() throws {
        #expect(try CgroupName.root.path(driver: .systemd) == .root)
        #expect(CgroupName.root.slice == "-.slice")
        #expect(try CgroupName(systemd: "/-.slice") == .root)
        #expect(try CgroupName(cgroupfs: "/") == .root)
    }

    @Test(arguments: ["a_b", "a/b", "", "..", "."])
    func `A component no driver can spell is refused`(component: String) {
        #expect(throws: CgroupNameError.self) { try CgroupName(["kubepods", component]) }
    }

    @Test func `A name that grows too long as a slice is refused`() throws {
        let deep = try CgroupName(Array(repeating: String(repeating: "a", count: 100), count: 3))
        #expect(try deep.path(driver: .cgroupfs).components.count == 3)
        #expect(throws: CgroupNameError.self) { try deep.path(driver: .systemd) }
        #expect(throws: CgroupNameError.notASlice("a.scope")) { try CgroupName(systemd: "/x.slice/a.scope") }
    }
}

@Suite struct CgroupPathTests {
    @Test func `A path prints as it is read`() throws {
        #expect(try CgroupPath(parsing: "/a/b").description == "/a/b")
        #expect(try CgroupPath(parsing: "a/b").components == ["a", "b"])
        #expect(try CgroupPath(parsing: "/") == .root)
        #expect(CgroupPath.root.description == "/")
        #expect(CgroupPath.root.parent == nil)
    }

    @Test func `Paths are taken apart and put together`() throws {
        let path = try CgroupPath(parsing: "/a/b")
        #expect(path.parent?.description == "/a")
        #expect(path.name == "b")
        #expect(try path.appending("c").description == "/a/b/c")
        #expect(path.appending(path).description == "/a/b/a/b")
        #expect(try CgroupPath(parsing: "/a").contains(path))
        #expect(try !path.contains(CgroupPath(parsing: "/a/bb")))
    }

    @Test(arguments: [
        ("", CgroupPathError.emptyPath), ("/a//b", .emptyName), ("/a/", .emptyName), ("//", .emptyName),
        ("/../a", .relativeName("..")), ("a/./b", .relativeName(".")),
        ("a\nb", .forbiddenByte("a\nb", what: "a line break")),
        ("a\r\nb", .forbiddenByte("a\r\nb", what: "a line break")),
        ("a\0b", .forbiddenByte("a\0b", what: "a zero byte")),
    ])
    func `A path that cannot name a control group is refused with its cause`(text: String, error: CgroupPathError) {
        #expect(throws: error) { try CgroupPath(parsing: text) }
        #expect(error.description.utf8.allSatisfy { $0 >= 32 })
    }

    @Test func `A name has at most 255 bytes`() throws {
        #expect(try CgroupPath.root.appending(String(repeating: "a", count: 255)).components.count == 1)
        let long = String(repeating: "é", count: 128)
        #expect(throws: CgroupPathError.nameTooLong(long, bytes: 256)) { try CgroupPath.root.appending(long) }
        #expect(throws: CgroupPathError.forbiddenByte("a/\u{301}", what: "a slash")) {
            try CgroupPath.root.appending("a/\u{301}")
        }
        #expect(try CgroupPath(parsing: "a/\u{301}b").components.count == 2)
    }

    @Test func `A combining mark behind a dash or a slash hides neither`() throws {
        let name = try CgroupName(["a-\u{301}b", "\u{59e}p"])
        let path = try name.path(driver: .systemd)
        #expect(!path.components[0].utf8.contains(UInt8(ascii: "-")))
        #expect(try CgroupName(systemd: path.description) == name)
        #expect(try CgroupName(cgroupfs: name.description) == name)
    }
}
