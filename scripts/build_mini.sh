#!/usr/bin/env bash
# Build the bundled encoder (model=mini) anew: its text, its tokenizer and first weights, a translation language model over
# them by stilts itself, and the export into DIR/mini. One thread; the same command gives the same bytes on one machine.
#   scripts/build_mini.sh DIR [DOCUMENTS] [PIECES] [STEPS]
set -euo pipefail
dir=${1:?scripts/build_mini.sh DIR [DOCUMENTS] [PIECES] [STEPS]}
documents=${2:-3600} pieces=${3:-12000} steps=${4:-4400}
here=$(dirname "$0")
python=${PYTHON:-python} stilts=${STILTS:-stilts}
export OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

$python "$here/build_mini.py" text "$dir/text" "$documents"
$python "$here/build_mini.py" start "$dir/start" "$pieces"
$stilts run intermediate=none target=tlm target.split=validation \
    model.path="$dir/start" data=local data.root="$dir/text" protocol=smoke compute=cpu compute.threads=1 \
    target.max_steps="$steps" target.epochs=100 target.batch_size=32 target.max_length=192 target.learning_rate=2e-3 \
    target.adam_beta2=0.98 target.mask_probability=0.3 target.eval_every=400 target.eval_examples=390 \
    target.selection=best -w "$dir/runs"
$python "$here/build_mini.py" export "$dir/runs" "$dir/mini"
