// SPDX-License-Identifier: Apache-2.0

/// The words that a mistyped one may have been meant as: the nearest, where they are at most a third of its letters away.
package func nearMatches(to word: String, among words: some Sequence<String>, limit: Int = 3) -> [String] {
    let typed = Array(word.lowercased().utf8)
    // The distance costs the product of the lengths: what is this long is no mistyped word.
    guard !typed.isEmpty, typed.count <= 64 else { return [] }
    let most = max(1, typed.count / 3)
    var found: [(distance: Int, word: String)] = []
    for candidate in words {
        let letters = Array(candidate.lowercased().utf8)
        guard abs(letters.count - typed.count) <= most else { continue }
        let distance = editDistance(typed, letters)
        if distance <= most { found.append((distance, candidate)) }
    }
    let least = found.map(\.distance).min()
    return found.filter { $0.distance == least }.map(\.word).sorted().prefix(limit).map { $0 }
}

/// The same as the end of a message: ` (did you mean cap_chown?)`, or nothing.
package func nearMatchHint(to word: String, among words: some Sequence<String>) -> String {
    let near = nearMatches(to: word, among: words)
    return near.isEmpty ? "" : " (did you mean \(near.joined(separator: " or "))?)"
}

/// How many letters are to be added, removed, replaced or swapped with their neighbour.
private func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...other.count)
    for i in one.indices {
        var row = [i + 1]
        for j in other.indices {
            var least = min(row[j] + 1, last[j + 1] + 1, last[j] + (one[i] == other[j] ? 0 : 1))
            if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] { least = min(least, before[j - 1] + 1) }
            row.append(least)
        }
        (before, last) = (last, row)
    }
    return last[other.count]
}
