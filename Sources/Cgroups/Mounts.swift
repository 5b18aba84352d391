// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// A mount of the version 2 hierarchy.
struct CgroupMount: Hashable, Sendable {
    /// Where it is mounted.
    let point: String
    /// The cgroup that is seen there, `/` but for bind mounts of a part of the tree.
    let root: String

    /// Those in the text of `/proc/self/mountinfo`, the mounts of the whole tree first.
    static func all(in mountinfo: String) -> [CgroupMount] {
        var mounts: [CgroupMount] = []
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            // Optional fields of any number stand before the dash.
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 1,
                fields[dash + 1] == "cgroup2"
            else { continue }
            mounts.append(CgroupMount(point: unescaped(fields[4]), root: unescaped(fields[3])))
        }
        return mounts.filter { $0.root == "/" } + mounts.filter { $0.root != "/" }
    }

    /// The one to use.
    static func current() throws(KernelError) -> CgroupMount {
        guard let mount = all(in: try readKernelFile("/proc/self/mountinfo")).first else {
            throw KernelError(
                "read", "/proc/self/mountinfo", errno: .noSuchFileOrDirectory, hint: CgroupHost.probe().absence)
        }
        return mount
    }
}

/// A field of mountinfo: space, tab, newline and backslash are written as three octal digits.
private func unescaped(_ field: Substring) -> String {
    guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
    var bytes: [UInt8] = []
    var rest = field.utf8[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\"), let code = UInt8(String(Substring(rest.prefix(3))), radix: 8) {
            bytes.append(code)
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

extension Cgroup {
    /// The root of the version 2 hierarchy, as far as it is mounted for this process.
    public static func root() throws(KernelError) -> Cgroup {
        // On most hosts this is all there is to find out: two calls.
        if let usual = try? Cgroup.open("/sys/fs/cgroup") { return usual }
        return try Cgroup.open(FilePath(try CgroupMount.current().point))
    }
}
