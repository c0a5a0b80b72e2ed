#!/usr/bin/env bash
# The gate's step of action.yml: $BENCH_* are its inputs. Inputs are words of a command here, never
# text that a shell reads again: they come from whoever writes the workflow, and some from a branch.
set -euo pipefail

folder="${RUNNER_TEMP:-/tmp}/bench-gate"
mkdir -p "$folder"
report="$folder/gate.md" json="$folder/gate.json"
rm -f "$report" "$json"

words=("$BENCH_BASE" "${BENCH_NEW:-.}")
each() {  # each NAME "A B": NAME A NAME B
    local value values
    read -ra values <<< "$2"
    for value in "${values[@]}"; do words+=("$1" "$value"); done
}
each --method "$BENCH_METHOD"
each --scope "${BENCH_SCOPE:-core}"
each --plugin "${BENCH_PLUGIN:-}"
each --option "${BENCH_OPTION:-}"
each --size "${BENCH_SIZE:-}"
each --threshold "${BENCH_THRESHOLD:-}"
each --max-seconds "${BENCH_MAX_SECONDS:-}"

status=0
bench gate "${words[@]}" --quiet --format github -o "$report" --json "$json" || status=$?

if [[ -f "$report" ]]; then
    cat "$report" >> "${GITHUB_STEP_SUMMARY:-/dev/stdout}"
    verdict="$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["verdict"] or "")' "$json")"
    printf '%s\n' "verdict=$verdict" "report=$report" "json=$json" >> "${GITHUB_OUTPUT:-/dev/null}"
fi
if [[ "$status" == 2 ]]; then
    echo "::warning::no speed gate: the two versions cannot be measured side by side"
    exit 0
fi
exit "$status"
