# Who may import whom. SwiftPM lets a target import a sibling that it has not declared; this does not.
#
#   awk -f layers.awk levels description.json
#
# description.json is what `swift package describe --type json` prints: one key a line, targets indented by four. Sources
# are opened relative to the current directory.

function complain(text) { print text; bad = 1 }

FNR == 1 { file++ }
file == 1 && /^#/ { next }
file == 1 && $1 == "shim" { owner[$2] = $3; next }
file == 1 && $1 == "toolchain" { toolchain[$2] = $3; next }
file == 1 && NF == 2 { level[$2] = $1; next }
file == 1 { next }

/^  "targets" : \[/ { targets = 1; next }
/^  \]/ { targets = 0 }
!targets { next }
/^    \{/ { name = path = kind = list = ""; sources = 0; declared = " "; next }
/^      "[a-z_]+" : \[/ { list = $1; next }
/^      \]/ { list = ""; next }
/^      "(name|path|type)" : "/ {
    value = $0
    sub(/^[^:]*: "/, "", value)
    sub(/",?$/, "", value)
    if ($1 == "\"name\"") name = value
    if ($1 == "\"path\"") path = value
    if ($1 == "\"type\"") kind = value
    next
}
list != "" && /^        "/ {
    value = $0
    sub(/^ *"/, "", value)
    sub(/",?$/, "", value)
    gsub(/\\\//, "/", value)
    if (list == "\"sources\"") source[++sources] = value
    if (list == "\"target_dependencies\"" || list == "\"product_dependencies\"") declared = declared value " "
    if (list == "\"target_dependencies\"") depends[value] = 1
    next
}
/^    \}/ {
    gsub(/\\\//, "/", path)
    count++
    known[name] = 1
    check_levels()
    for (i = 1; i <= sources; i++) if (source[i] ~ /\.swift$/) check_imports(path "/" source[i])
    for (other in depends) delete depends[other]
}

function check_levels(    other) {
    if (name in owner) {
        for (other in depends) complain(name ": a shim depends on nothing, not on " other)
        return
    }
    shipped = path ~ /^Sources\//
    if (shipped && !(name in level)) complain(name ": has no level; give it one in .ci/levels")
    for (other in depends) {
        if (other in owner) {
            if (owner[other] != name) complain(name ": depends on " other ", which only " owner[other] " may see")
        } else if (shipped && !(other in level)) {
            complain(name ": depends on " other ", which is not shipped")
        } else if (shipped && level[other] + 0 >= level[name] + 0) {
            complain(name ": is on level " level[name] " and depends on " other " of level " level[other])
        }
    }
}

function check_imports(file,    line, number, status, parts, part, n, module) {
    while ((status = (getline line < file)) > 0) {
        number++
        if (line !~ /^[ \t]*(@[A-Za-z_]+(\([^)]*\))?[ \t]+)*((public|package|internal|fileprivate|private)[ \t]+)?import[ \t]/)
            continue
        n = split(line, parts, /;/)
        for (part = 1; part <= n; part++) {
            module = parts[part]
            if (module !~ /(^|[ \t])import[ \t]/) continue
            if (module ~ /@_exported/) complain(file ":" number ": no @_exported: a module is imported by who uses it")
            sub(/^.*import[ \t]+/, "", module)
            sub(/^(struct|class|enum|protocol|func|var|let|typealias)[ \t]+/, "", module)
            sub(/[^A-Za-z0-9_].*$/, "", module)
            imports++
            if (module == name || index(declared, " " module " ")) continue
            if (!(module in toolchain)) {
                complain(file ":" number ": " name " imports " module ", which it does not declare")
            } else if (shipped && (toolchain[module] == "tests" || toolchain[module] + 0 > level[name] + 0)) {
                complain(file ":" number ": " name " imports " module ", which " \
                    (toolchain[module] == "tests" ? "is for tests" : "is for level " toolchain[module] " and above"))
            }
        }
    }
    close(file)
    if (status < 0) complain(file ": cannot be read")
}

END {
    # A description in another form must not pass for a clean house.
    if (!count || !imports) complain("layers: no targets or no imports seen; has the description's form changed?")
    for (other in owner) if (count && !(other in known)) complain(other ": is in .ci/levels and not in Package.swift")
    exit bad
}
