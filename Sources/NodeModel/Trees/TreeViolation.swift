// SPDX-License-Identifier: Apache-2.0

/// Something that a change would leave behind and that cannot hold.
public enum TreeViolation: Error, Sendable, Hashable {
    /// Children claim more than their parent has: under pressure all of them are cut in proportion.
    case overParent(ControlKnob, CgroupPath, has: ByteCount, claimed: ByteCount)
    /// Children may keep as much as their parent may use: at the parent's limit nothing can be reclaimed.
    case noRoom(CgroupPath, max: ByteCount, claimed: ByteCount)
    /// A protection above the control group's own limit.
    case overLimit(ControlKnob, CgroupPath, value: ByteCount, max: ByteCount)
    /// The top of the tree claims more than the machine has to give.
    case overMemory(ControlKnob, claimed: ByteCount, available: ByteCount)
    /// A control group above, which is not ours, claims less than what is below it.
    case ancestor(ControlKnob, CgroupPath, has: ByteCount, claimed: ByteCount)
    /// A limit under what is in use: the kernel would kill, and report success.
    case belowUsage(ControlKnob, CgroupPath, value: ByteCount, usage: ByteCount)
    /// A control group that others have to make is not there.
    case missing(CgroupPath)
    /// A number of bytes under one page, which the kernel would round to zero.
    case belowPage(ControlKnob, CgroupPath, value: ByteCount, page: ByteCount)
}

extension TreeViolation {
    /// A word that does not change between releases.
    public var id: String {
        switch self {
        case .overParent: "over-parent"
        case .noRoom: "no-room-under-limit"
        case .overLimit: "over-limit"
        case .overMemory: "over-memory"
        case .ancestor: "ancestor-lacks-protection"
        case .belowUsage: "limit-below-usage"
        case .missing: "missing-cgroup"
        case .belowPage: "below-one-page"
        }
    }
}

extension TreeViolation: CustomStringConvertible {
    /// What is the matter, and what would happen.
    public var description: String {
        switch self {
        case .overParent(let knob, let path, let has, let claimed):
            "the children of \(path) claim \(claimed) of \(knob), but it has \(has): under pressure each is cut in "
                + "proportion"
        case .noRoom(let path, let max, let claimed):
            "the children of \(path) may keep \(claimed) by memory.min, and it may use \(max): at that limit nothing is "
                + "left to reclaim, so the page cache alone gets a process killed"
        case .overLimit(let knob, let path, let value, let max):
            "\(knob) of \(path) is \(value), above its own \(knob.limit ?? .memoryMax) of \(max)"
        case .overMemory(let knob, let claimed, let available):
            "the top of the tree claims \(claimed) of \(knob), but the machine has \(available) to give: reclaim fails "
                + "and processes are killed anywhere"
        case .ancestor(let knob, let path, let has, let claimed):
            "\(path) is not ours and has \(knob) \(has), but what is below it claims \(claimed): no more than \(has) of "
                + "that is effective"
        case .belowUsage(let knob, let path, let value, let usage):
            "\(knob) of \(path) would be \(value), but \(usage) are in use: what cannot be reclaimed is killed"
        case .missing(let path):
            "\(path) is not there: what is set aside is held to a control group that its owner makes"
        case .belowPage(let knob, let path, let value, let page):
            "\(knob) of \(path) would be \(value), less than a page of \(page): the kernel rounds it down to 0"
        }
    }
}
