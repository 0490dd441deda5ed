#!/usr/bin/env bash
# The grid of Phang et al. 2020 as a plain shell loop; `stilts sweep study=xtreme` makes the same stages.
#   scripts/sweep_grid.sh [SETTING…], as in: scripts/sweep_grid.sh data=local data.root=DIR -w outputs
set -euo pipefail
for intermediate in none anli_plus mnli qqp squad squad_v2 hellaswag ccg cosmosqa commonsenseqa; do
    for target in xnli pawsx udpos panx xquad mlqa tydiqa bucc2018 tatoeba; do
        stilts run "intermediate=$intermediate" "target=$target" "$@"
    done
done
