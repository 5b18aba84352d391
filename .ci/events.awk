# swift-testing's event stream (JSON lines, keys sorted) into lines "STATE part group name reason", tab-separated.
#
#   awk -v part=live -v by=file -f events.awk EVENTS      by: file or module, what a group is
#
# A test that started and did not end has failed: the process died in it. So has a run that did not end, and one without
# tests. Lines that are no events (what a test printed) are passed over.

function text_of(json, key,    s) {
    if (!match(json, "\"" key "\":\"")) return ""
    s = substr(json, RSTART + RLENGTH)
    gsub(/\\\\/, "\001", s)
    gsub(/\\"/, "\002", s)
    sub(/".*$/, "", s)
    gsub(/\\n/, " ", s)
    gsub(/\\\//, "/", s)
    gsub(/\002/, "\"", s)
    gsub(/\001/, "\\", s)
    gsub(/\t/, " ", s)
    return s
}

# Only functions count; a suite's name has no line number.
function is_test(id) { return id ~ /\.swift:[0-9]+:[0-9]+$/ }

function group_of(id) {
    if (by == "module") sub(/\..*$/, "", id)
    else { sub(/^.*\//, "", id); sub(/(Tests)?\.swift:.*$/, "", id) }
    return id
}

function name_of(id, text) {
    if (match(text, /^Test ".*" (started|passed|failed|skipped|with [0-9]+ test case)/)) {
        text = substr(text, 7, RLENGTH - 6)
        sub(/" (started|passed|failed|skipped|with [0-9]+ test case)$/, "", text)
        return text
    }
    sub(/\/[^\/]*$/, "", id)
    sub(/^[^.]*\./, "", id)
    return id
}

function put(state, id, name, reason) {
    printf "%s\t%s\t%s\t%s\t%s\n", state, part, id == "" ? "-" : group_of(id), name, reason
    seen[state]++
}

{ at = index($0, "{\"kind\":\"event\",") }
!at { next }
{
    line = substr($0, at)
    if (!match(line, /"kind":"[A-Za-z]+","(messages|testID|_testCase)/)) next
    kind = substr(line, RSTART + 8, RLENGTH)
    sub(/".*$/, "", kind)
    id = text_of(line, "testID")
    messages = line
    sub(/^.*"messages":\[/, "", messages)
}
kind == "runStarted" { runs++; next }
kind == "runEnded" { ended_runs++; if (messages ~ /^\{"symbol":"fail"/) failed_runs++; next }
!is_test(id) { next }
kind == "testStarted" { name[id] = name_of(id, text_of(messages, "text")); order[++started] = id; next }
kind == "testSkipped" {
    reason = text_of(messages, "text")
    sub(/^.* skipped: "/, "", reason)
    sub(/^.* skipped$/, "", reason)
    sub(/"$/, "", reason)
    put("skipped", id, name_of(id, text_of(messages, "text")), reason)
    ended[id] = 1
    next
}
kind == "testCancelled" {
    reason = text_of(messages, "text")
    sub(/^.* cancelled: "?/, "", reason)
    sub(/"$/, "", reason)
    cancelled[id] = reason
    next
}
kind == "issueRecorded" {
    # A known issue and a warning are no failure; testEnded tells. This is only what the failure line says.
    if (!(id in issue)) issue[id] = text_of(messages, "text")
    next
}
kind == "testEnded" {
    ended[id] = 1
    if (messages ~ /^\{"symbol":"fail"/) put("failed", id, name[id], issue[id])
    else if (id in cancelled) put("skipped", id, name[id], cancelled[id])
    else put("passed", id, name[id], "")
}

END {
    for (i = 1; i <= started; i++) if (!(order[i] in ended)) put("failed", order[i], name[order[i]], "it did not end")
    for (id in cancelled) if (!(id in ended)) put("skipped", id, name[id] == "" ? name_of(id, "") : name[id], cancelled[id])
    if (!runs || ended_runs < runs) put("failed", "", "the run", runs ? "it did not end" : "it did not start")
    else if (!seen["passed"] && !seen["failed"] && !seen["skipped"]) put("failed", "", "the run", "it ran no tests")
    else if (failed_runs && !seen["failed"]) put("failed", "", "the run", "it failed outside of its tests")
}
