# Input: CTest's JUnit file of one build.  Output: each failed or skipped case, what a rig says of
# itself, and a line per test.

BEGIN { tests = 0 }

function attribute(line, name)
{
    if (!match(line, " " name "=\"[^\"]*\"")) return ""
    return substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
}

function fail(text) { print "not ok " test ": " text; bad++ }

# cmocka gives no reason with a skip: it is the comment before it.
function skip(text)
{
    print "skip " test ": " text (note == "" ? "" : "  " note)
    skipped++
    note = ""
}

function tap(line)
{
    gsub(/&lt;/, "<", line); gsub(/&gt;/, ">", line); gsub(/&quot;/, "\"", line)
    gsub(/&apos;/, "'", line); gsub(/&amp;/, "\\&", line)
    output = output "    " line "\n"
    if (line ~ /^1\.\.0 *# *[Ss][Kk][Ii][Pp]/) { skip(line); planned = -1 }
    else if (line ~ /^1\.\.[0-9]+/) planned = substr(line, 4) + 0
    else if (line ~ /^(not )?ok .*# *[Ss][Kk][Ii][Pp]/) skip(line)
    else if (line ~ /^ok /) { good++; note = "" }
    else if (line ~ /^not ok /) { fail(line); note = "" }
    else if (line ~ /^# rig: /) print line
    else if (line ~ /^# /) note = line
    else if (line != "") reason = line
}

function finish()
{
    if (planned >= 0 && planned != good + bad + skipped)
        fail(good + bad + skipped " cases of " planned " ran")
    if (status != "run" && status != "skip" && !bad)
        fail(status == "fail" ? "failed outside its cases" : "not run: " message)
    if (status == "skip" && !skipped) skip(reason == "" ? "no reason given" : reason)
    if (good + bad + skipped == 0) good++
    if (bad) printf "%s", output
    printf "%-40s %5d passed %3d failed %3d skipped\n", test, good, bad, skipped
}

/^\t<testcase / {
    test = attribute($0, "name")
    status = attribute($0, "status")
    good = bad = skipped = inside = 0
    planned = -1
    output = note = message = reason = ""
    tests++
}
/^\t\t<skipped / {
    message = attribute($0, "message")
    if (message ~ /^SKIP_RETURN_CODE/) status = "skip"
}
/^\t\t<system-out>/ { inside = 1; sub(/^\t\t<system-out>/, "") }
inside && /<\/system-out>$/ { sub(/<\/system-out>$/, ""); if ($0 != "") tap($0); inside = 0 }
inside { tap($0) }
/^\t<\/testcase>/ { finish() }

END {
    if (tests) exit
    print "not ok " build ": CTest ran nothing"
    printf "%-40s %5d passed %3d failed %3d skipped\n", build, 0, 1, 0
}
