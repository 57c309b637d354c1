# Input: lines of ROUND ENGINE WORKLOAD UNITS MICROSECONDS CHECKSUM. See bench/compute.

{
    seconds[$1, $2, $3] = $5 / 1e6
    units[$3] = $4
    # A boot has no checksum.
    if ($3 == "boot")
        next
    if (($3 in checksum) && checksum[$3] != $6) {
        printf "compute: %s: checksum %s on %s, not %s\n", $3, $6, $2, checksum[$3] | "cat >&2"
        bad = 1
    } else {
        checksum[$3] = $6
    }
}

function median(values, n, i, j, t)
{
    for (i = 2; i <= n; i++) {
        t = values[i]
        for (j = i - 1; j > 0 && values[j] > t; j--)
            values[j + 1] = values[j]
        values[j + 1] = t
    }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

# Seconds of one run less those of the empty one, or -1 where the start of a process would drown
# them. A boot counts whole.
function net(round, engine, workload, t)
{
    if (!((round, engine, workload) in seconds))
        return -1
    t = seconds[round, engine, workload]
    if (workload == "boot")
        return t
    if (!((round, engine, "null") in seconds))
        return -1
    t -= seconds[round, engine, "null"]
    return t > 0.005 ? t : -1
}

function time_of(engine, workload, round, n, values)
{
    for (round = 1; round <= repeat; round++)
        if (net(round, engine, workload) >= 0)
            values[++n] = net(round, engine, workload)
    return n ? median(values, n) : -1
}

# The median over the rounds of a's time through b's.
function ratio_of(a, b, workload, round, n, values)
{
    for (round = 1; round <= repeat; round++)
        if (net(round, a, workload) >= 0 && net(round, b, workload) >= 0)
            values[++n] = net(round, a, workload) / net(round, b, workload)
    return n ? median(values, n) : -1
}

function cell(value, width, digits)
{
    return value < 0 ? sprintf("%" width "s", "-") : sprintf("%" width "." digits "f", value)
}

function member(name, value, digits)
{
    return value < 0 ? "" : sprintf(", \"%s\": %." digits "f", name, value)
}

END {
    n = split(order, names, " ")
    json = format == "json"
    if (json)
        printf "{\"platform\": \"%s\", \"repeat\": %d, \"workloads\": [", accel, repeat
    else
        printf "%s, medians of %d, seconds less those of an empty run\n%-12s %8s %10s %10s %10s %12s %12s\n",
            accel, repeat, "", "units", "native", "qemu tcg", accel, accel "/qemu", accel "/native"
    for (i = 1; i <= n; i++) {
        name = names[i]
        native = time_of("native", name); qemu = time_of("qemu", name); own = time_of("accel", name)
        speed = name == "boot" ? -1 : ratio_of("qemu", "accel", name)
        of_native = ratio_of("native", "accel", name)
        boot = name == "boot" ? ratio_of("accel", "qemu", name) : -1
        if (speed > 0) {
            log_sum += log(speed)
            counted++
        }
        separator = i == 1 ? "" : ","
        if (json)
            printf "%s\n    {\"name\": \"%s\", \"units\": %d%s%s%s%s%s%s}", separator, name,
                units[name], member("native", native, 6), member("qemu", qemu, 6),
                member("vmaccel", own, 6), member("speed_of_qemu", speed, 4),
                member("speed_of_native", of_native, 4), member("time_of_qemu", boot, 4)
        else
            printf "%-12s %8d %s %s %s %s %s%s\n", name, units[name], cell(native, 10, 3),
                cell(qemu, 10, 3), cell(own, 10, 3), cell(speed, 12, 3), cell(of_native, 12, 3),
                boot < 0 ? "" : sprintf("  %.2f times QEMU's time", boot)
    }
    mean = counted ? exp(log_sum / counted) : -1
    if (json)
        printf "\n]%s, \"counted\": %d}\n", member("geometric_mean", mean, 4), counted
    else if (counted)
        printf "geometric mean of the speed, %d workloads: %.3f of QEMU's\n", counted, mean
    exit bad
}
