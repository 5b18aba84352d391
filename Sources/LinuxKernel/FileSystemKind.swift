// SPDX-License-Identifier: Apache-2.0

/// A kind of file system, by the magic number `fstatfs` gives.
///
/// Unknown numbers are kept: a new file system is no error.
public struct FileSystemKind: Hashable, Sendable, CustomStringConvertible {
    /// The number in `f_type`.
    public let magic: UInt32

    /// The kind with this number.
    public init(magic: UInt32) { self.magic = magic }

    /// The unified control group hierarchy.
    public static let cgroup2 = FileSystemKind(magic: 0x6367_7270)
    /// A version 1 control group hierarchy.
    public static let cgroup1 = FileSystemKind(magic: 0x0027_e0eb)
    /// Memory-backed files.
    public static let tmpfs = FileSystemKind(magic: 0x0102_1994)
    /// The kernel's own, of processes and settings.
    public static let proc = FileSystemKind(magic: 0x9fa0)
    /// The merged view of an overlay.
    public static let overlay = FileSystemKind(magic: 0x794c_7630)

    static let names: [UInt32: String] = [
        0x6367_7270: "cgroup2", 0x0027_e0eb: "cgroup", 0x0102_1994: "tmpfs", 0x794c_7630: "overlay", 0xef53: "ext4",
        0x5846_5342: "xfs", 0x9123_683e: "btrfs", 0x9fa0: "proc", 0x6265_6572: "sysfs", 0x8584_58f6: "ramfs",
        0x1cd1: "devpts", 0x7371_7368: "squashfs", 0xe0f5_e1e2: "erofs", 0x6969: "nfs", 0x0102_1997: "9p",
        0x6573_5546: "fuse", 0x4d44: "vfat", 0x9584_58f6: "hugetlbfs", 0xf2f5_2010: "f2fs", 0x2fc1_2fc1: "zfs",
        0xff53_4d42: "cifs", 0x6462_6720: "debugfs", 0x7363_6673: "securityfs", 0xcafe_4a11: "bpf",
        0x7472_6163: "tracefs", 0x1980_0202: "mqueue", 0x2011_bab0: "exfat", 0x5346_544e: "ntfs",
    ]

    /// The name as in `/proc/filesystems`, or the number in hexadecimal.
    public var description: String { Self.names[magic] ?? "0x" + String(magic, radix: 16) }
}
