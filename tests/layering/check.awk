# Input: the tree's files, one name a line.  See tests/layering/check.

BEGIN {
    max_lines = 1000
    # Which layers a layer may include besides itself.  "seam" is src/core/platform.h.
    allowed["api"] = " "
    allowed["cli"] = " api suite bench-api "
    allowed["examples"] = " api "
    allowed["bench"] = " api "
    allowed["conformance"] = " api guest "
    allowed["gdb"] = allowed["snapshot"] = allowed["machine"] = " api os "
    allowed["core"] = " api arch os "
    allowed["platform"] = " api seam arch os "
    allowed["cpu"] = " arch os "
    allowed["irqchip"] = " api arch os "
    allowed["arch"] = " api "
    allowed["os"] = " api "
    split("cli:1 examples:1 bench:1 conformance:1 gdb:2 snapshot:2 machine:2 core:3 platform:4 " \
          "cpu:5 irqchip:5 arch:6 os:7 api:1", pairs, " ")
    for (i in pairs) { split(pairs[i], pair, ":"); rule[pair[1]] = pair[2] }

    # Software platforms build on the software CPU and our interrupt controllers.
    split("soft hvf whpx", names, " ")
    for (i in names) on_cpu[names[i]] = 1

    split("assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal " \
          "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string " \
          "tgmath threads time uchar wchar wctype", names, " ")
    for (i in names) standard[names[i] ".h"] = 1

    host_macro = "_WIN32|_WIN64|_MSC_VER|__linux|__linux__|__gnu_linux__|__APPLE__|__MACH__|" \
                 "__unix__|__unix|__FreeBSD__|__NetBSD__|__OpenBSD__|__CYGWIN__|__MINGW32__|" \
                 "__MINGW64__|__GLIBC__|__ANDROID__|TARGET_OS_[A-Z]+|__x86_64__|__i386__|" \
                 "__aarch64__|_M_X64|_M_ARM64"
    n_platforms = split(platforms, platform_names, " ")
}

{ files[++n_files] = $0; exists[$0] = 1 }

END {
    for (f = 1; f <= n_files; f++) check(files[f])
    exit breaches > 0
}

function breach(where, number, text)
{
    printf "%s:%d: rule %s: %s\n", where, line_number, number, text
    breaches++
}

# The layer of a file; for a platform, "platform" with its name in `platform`.
function layer_of(path, parts)
{
    split(path, parts, "/")
    platform = ""
    if (path == "src/core/platform.h") return "seam"
    if (path ~ /^include\/vmaccel\//) return "api"
    if (path == "tests/conformance/conformance.h") return "suite"
    if (path == "bench/bench.h") return "bench-api"
    if (path ~ /^tests\/conformance\//) return "conformance"
    if (path ~ /^tests\/guest\//) return "guest"
    if (parts[1] == "src" && parts[2] == "platform") { platform = parts[3]; return "platform" }
    if (parts[1] == "src") return parts[2]
    return parts[1]
}

function in_layer(from, to)
{
    return from == to || from == "core" && to == "seam" || from == "seam" && to == "core" ||
        from == "conformance" && to == "suite" || from == "suite" && to == "conformance" ||
        from == "bench" && to == "bench-api" || from == "bench-api" && to == "bench"
}

function rules_of(layer)
{
    return layer == "seam" ? "core" : layer == "suite" ? "conformance" : \
        layer == "bench-api" ? "bench" : layer
}

function normal(path)
{
    gsub(/\/\.\//, "/", path)
    while (path ~ /[^\/]+\/\.\.\//) sub(/[^\/]+\/\.\.\//, "", path)
    return path
}

# The file that an include means: beside the including file, else below the include path.
function resolve(path, name, folder, i, roots, n)
{
    folder = path
    sub(/[^\/]*$/, "", folder)
    if (exists[normal(folder name)]) return normal(folder name)
    n = split("src/ include/ tests/conformance/ bench/ cli/ tests/support/ tests/guest/ " \
              "tests/guest/x86/ tests/guest/arm64/ tests/", roots, " ")
    for (i = 1; i <= n; i++)
        if (exists[normal(roots[i] name)]) return normal(roots[i] name)
    return ""
}

function check_include(path, from, own, name, quoted, target, to)
{
    target = resolve(path, name)
    if (target == "") {
        if (standard[name]) {
            if (from == "arch" && name ~ /^(stdio|stdlib)\.h$/)
                breach(path, 6, "arch is stateless: no <" name ">")
            return
        }
        if (name == "registry_built.h") {
            if (path != "src/core/registry.c")
                breach(path, 3, "registry_built.h is for src/core/registry.c")
            return
        }
        if (name ~ /^guests(_[a-z0-9]+)?\.h$/) {
            if (from != "conformance" && from != "tests")
                breach(path, 1, "guest programs are for the tests")
            return
        }
        if (quoted) {
            breach(path, "0", "cannot find \"" name "\"")
            return
        }
        if (name == "Zydis/Zydis.h" && from == "cpu") return
        if ((name == "libfdt.h" || name == "zlib.h") && from == "machine") return
        if (from != "os" && from != "platform" && is_library(from))
            breach(path, 7, "host header <" name ">")
        return
    }
    if (target == "src/core/registry.def" && path != "src/core/registry.c" && from != "tests") {
        breach(path, 3, "registry.def is expanded in src/core/registry.c only")
        return
    }
    if (from == "tests" || from == "guest") return
    to = layer_of(target)
    if (to == "platform" && from == "platform" && platform != own) {
        breach(path, 4, "platform " own " includes platform " platform ": " target)
        return
    }
    if (in_layer(from, to)) return
    if (index(allowed[rules_of(from)], " " to " ")) return
    if (from == "platform" && on_cpu[own] && (target ~ /^src\/cpu\/(cpu|emulate)\.h$/ || to == "irqchip")) return
    breach(path, rule[rules_of(from)], from " includes " to ": " target)
}

function is_library(layer) { return layer !~ /^(cli|bench|bench-api|tests|conformance|suite|guest)$/ }

# A platform's name in code, rather than the word in a comment.
function check_names(path, from, line, i, name, upper)
{
    for (i = 1; i <= n_platforms; i++) {
        name = platform_names[i]
        upper = toupper(name)
        if (line ~ ("\"" name "\"|vmaccel_platform_" name "|VMACCEL_PLATFORM_" upper "|(^|[^A-Z_])KVM_[A-Z]"))
            breach(path, from == "core" ? 3 : 2, from " names platform " name)
    }
}

function check(path, from, own, line, text, name, quoted, is_c, export_header)
{
    line_number = 0
    from = layer_of(path)
    own = platform
    is_c = path ~ /\.([chS]|def|inc)$/
    export_header = 0
    while ((getline line < path) > 0) {
        line_number++
        if (!is_c) continue
        if (line ~ /^[ \t]*#[ \t]*include[ \t]*[<"]/) {
            quoted = line ~ /^[ \t]*#[ \t]*include[ \t]*"/
            name = line
            sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", name)
            sub(/[>"].*$/, "", name)
            check_include(path, from, own, name, quoted)
            continue
        }
        if (line ~ /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)[ \t(!]/ && is_library(from) &&
            from != "os" && from != "platform" && match(line, "(^|[^A-Za-z0-9_])(" host_macro ")([^A-Za-z0-9_]|$)")) {
            # How a function is exported is the one thing that differs in a public header.
            if (!(path == "include/vmaccel/types.h" && line ~ /defined\(_WIN32\)/))
                breach(path, 7, "host condition: " line)
            continue
        }
        if (from == "arch" && line ~ /(^|[^A-Za-z0-9_])(malloc|calloc|realloc|free|printf|fopen)\(/)
            breach(path, 6, "arch is stateless: " line)
        if (from ~ /^(machine|gdb|snapshot|core|seam)$/ && path !~ /registry\.(def|c)$/)
            check_names(path, from, line)
    }
    close(path)
    if (line_number > max_lines)
        breach(path, "length", "longer than " max_lines " lines")
}
