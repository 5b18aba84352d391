// SPDX-License-Identifier: Apache-2.0

/// Memory for a plan in C's terms: stays where it is until the child has executed the command or ended.
@safe struct PlanMemory: ~Copyable {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []

    init() {}

    deinit { unsafe blocks.forEach { unsafe $0.deallocate() } }

    /// Bytes that start as zero.
    mutating func room(bytes: Int, alignment: Int = 16) -> UnsafeMutableRawPointer {
        let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 1), alignment: alignment)
        unsafe blocks.append(block)
        return unsafe block
    }

    /// A string ended by NUL.
    mutating func string(_ text: String) -> UnsafePointer<CChar> {
        unsafe UnsafePointer(array(text.utf8.map(CChar.init(bitPattern:)) + [0]))
    }

    /// An array in place.
    mutating func array<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
        let block = unsafe room(bytes: MemoryLayout<Element>.stride * elements.count)
            .bindMemory(to: Element.self, capacity: max(elements.count, 1))
        for (index, element) in elements.enumerated() { unsafe (block + index).initialize(to: element) }
        return unsafe block
    }

    /// An array of strings, ended by NULL, as `execve` takes it.
    mutating func strings(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
        var pointers: [UnsafePointer<CChar>?] = unsafe []
        for text in texts { unsafe pointers.append(string(text)) }
        unsafe pointers.append(nil)
        return unsafe UnsafePointer(array(pointers))
    }

    /// Strings one after the other, each ended by NUL, an empty one at the end.
    mutating func list(_ texts: [String]) -> UnsafePointer<CChar> {
        unsafe UnsafePointer(array(texts.flatMap { $0.utf8.map(CChar.init(bitPattern:)) + [0] } + [0]))
    }
}
