# What the tests of the command share.  Sourced after "vmaccel" is set; the cases print TAP.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0 failed=0

report() { # RESULT NAME: one case
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        sed 's/^/# /' "$work/out" "$work/err" 2>/dev/null | head -n 20
        failed=$((failed + 1))
    fi
}

skip() { # NAME REASON
    count=$((count + 1))
    echo "ok $count - $1 # skip $2"
}

finish() {
    echo "1..$count"
    [ "$failed" -eq 0 ]
}

run() { # STATUS ARGS...: whether the command ends with STATUS; its output is in out and err
    want=$1
    shift
    "$vmaccel" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    [ "$got" -eq "$want" ] && return
    echo "exit status $got, not $want" >>"$work/err"
    return 1
}

one_line() { # TEXT: stderr is one line that holds TEXT
    [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qF -- "$1" "$work/err"
}

image() { # NAME OCTAL...: a flat image
    name=$1
    shift
    printf "$(printf '\\%s' "$@")" >"$work/$name"
}

# Real-mode guests, where not said otherwise.
guests() {
    image exit5 260 005 346 364 364                         # mov $5,%al; out %al,$0xf4; hlt
    image reset 260 376 346 144 353 376                     # mov $0xfe,%al; out %al,$0x64; jmp .
    image poweroff 272 004 006 270 000 064 357 353 376      # mov $0x604,%dx; mov $0x3400,%ax; out; jmp .
    image triple 017 013                                    # ud2, for long mode, where there is no IDT
    image halt 372 364                                      # cli; hlt
    image spin 353 376                                      # jmp .
    image flood 272 370 003 260 101 356 353 375             # mov $0x3f8,%dx; mov $'A',%al; 1: out; jmp 1b
    # Prints '>', then echoes COM1; after a 'q' writes 3 to debug-exit.
    image echo 272 370 003 260 076 356 272 375 003 354 250 001 164 373 272 370 003 354 356 074 161 \
        272 375 003 165 357 260 003 346 364
}

platform() { # whether any can run the guests
    "$vmaccel" info --json | grep -q '"available":true'
}
