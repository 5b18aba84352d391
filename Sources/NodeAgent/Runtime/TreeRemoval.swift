// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage

extension Descriptor {
    /// Removes a name in this directory and, where it is a directory, all below it, in which nothing changes meanwhile.
    ///
    /// However deep it is: who filled it may have made more levels than there are descriptors to hold, or than a path has room
    /// for. What is too deep is brought up first.
    borrowing func removeTree(_ name: String) throws(KernelError) {
        var waiting = [name]
        var moved = 0
        while let next = waiting.popLast() { try removeTree(next, 0, &waiting, &moved) }
    }

    private borrowing func removeTree(
        _ path: String, _ depth: Int, _ waiting: inout [String], _ moved: inout Int
    ) throws(KernelError) {
        do throws(KernelError) {
            try removeFile(path)
            return
        } catch {
            if error.errno == .noSuchFileOrDirectory { return }
            guard error.errno == .isDirectory else { throw error }
        }
        let folder = try open(path, [.reading, .directory])
        for entry in try folder.entries() {
            // Twelve names and a name are less than the 4,096 bytes of a path.
            if depth == 12, try folder.status(of: entry).isDirectory {
                moved += 1
                let top = ".removed-\(processID)-\(moved)"
                try rename("\(path)/\(entry)", to: top)
                waiting.append(top)
            } else {
                try removeTree("\(path)/\(entry)", depth + 1, &waiting, &moved)
            }
        }
        try removeDirectory(path)
    }
}
