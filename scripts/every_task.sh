#!/usr/bin/env bash
# Every task that has files in a folder of official downloads: a short training, then every language of each split that is
# present; one line a task and split. A line without a number says what is missing.
#   scripts/every_task.sh ROOT [WORKSPACE] [SETTING…], as in: scripts/every_task.sh downloads outputs model.tokenizer=DIR
set -uo pipefail
root=${1:?scripts/every_task.sh ROOT [WORKSPACE] [SETTING…]}
workspace=${2:-outputs}
settings=(data=local "data.root=$root" model=scratch protocol=smoke "${@:3}")
mkdir -p "$workspace"

averages='
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    NR == 2 { metric = $column["metric"] }
    $column["metric"] == metric { total += $column["value"]; items += $column["n"]; n++ }
    END { if (n) printf "%9d %8d  %-9s %7.2f\n", n, items, metric, total / n; else print "predicted; its labels are hidden" }'

printf '%-14s %-10s %9s %8s  %-9s %7s\n' task split languages items metric average
for task in $(stilts ls tasks | cut -d' ' -f1); do
    chain=(intermediate=none "target=$task")
    [ "$task" = anli_plus ] && chain=(intermediate=anli_plus target=snli)
    for split in validation test; do
        place=$workspace/$task-$split
        if stilts run "${chain[@]}" "target.split=$split" "${settings[@]}" -w "$place" >"$place.log" 2>&1; then
            printf '%-14s %-10s %s\n' "$task" "$split" "$(stilts report -w "$place" --format csv | awk -F, "$averages")"
        elif ! grep -q "has no $split split" "$place.log"; then
            printf '%-14s %-10s %s\n' "$task" "$split" "$(grep -m1 '^error' "$place.log" || tail -n 1 "$place.log")"
        fi
    done
done
