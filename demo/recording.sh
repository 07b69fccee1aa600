#!/usr/bin/env bash
# A recording in chunks, from the first route to the last, with curl (docs/recordings.md):
#
#   demo/recording.sh [FILE TYPE SECONDS]        against the laptop's stack (make run)
#   DEBATE_API=https://… DEBATE_TOKEN=… demo/recording.sh …        against a deployment
#
# A file is cut into pieces as a browser's recorder would give them; without one, it is the demo
# debate. CHUNKS says into how many. Wants curl and python3.
set -euo pipefail

file=${1:-$(dirname "$0")/debate.mp4}
type=${2:-video/mp4}
seconds=${3:-71}
chunks=${CHUNKS:-6}
api=${DEBATE_API:-http://127.0.0.1:8080}/api
sessions=$api/audio/sessions
token=${DEBATE_TOKEN:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ask STATUS METHOD URL [JSON]: the answer goes to $work/answer; any other status ends it all.
ask() {
    local wanted=$1 method=$2 url=$3 status
    shift 3
    status=$(curl --silent --show-error --output "$work/answer" --write-out '%{http_code}' \
        --request "$method" "$url" ${token:+--header "Authorization: Bearer $token"} \
        ${1:+--header 'Content-Type: application/json' --data "$1"})
    echo "$method ${url#"$api"} -> $status" >&2
    if [ "$status" != "$wanted" ]; then
        echo "expected $wanted:" >&2
        cat "$work/answer" >&2
        exit 1
    fi
}

# get EXPRESSION: of the last answer, as `it`.
get() {
    python3 -c 'import json, sys; it = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' \
        "$work/answer" "$1"
}

size=$(wc -c <"$file")
step=$(((size + chunks - 1) / chunks))
chunk() { # the announcement of piece $1, all of the same length in time
    local from=$(($1 * step)) to=$((($1 + 1) * step))
    [ "$to" -le "$size" ] || to=$size
    printf '{"seq": %d, "t_start": %d, "t_end": %d, "size": %d}' "$1" \
        $(($1 * seconds * 1000 / chunks)) $((($1 + 1) * seconds * 1000 / chunks)) $((to - from))
}

# send SEQ: every PUT of the chunk's target, which is in $work/target.
send() {
    python3 - "$work/target" "$file" $(($1 * step)) "$work" <<'PYTHON' >"$work/puts"
import json, sys
target, file, start, work = sys.argv[1:]
with open(file, "rb") as source:
    for n, put in enumerate(json.load(open(target))["puts"]):
        source.seek(int(start) + put["offset"])
        open(f"{work}/piece-{n}", "wb").write(source.read(put["bytes"]))
        lines = [f'url = "{put["url"]}"', f'upload-file = "{work}/piece-{n}"', 'output = "/dev/null"']
        lines += [f'header = "{name}: {value}"' for name, value in put["headers"].items()]
        open(f"{work}/put-{n}", "w").write("\n".join(lines))
        print(f"{work}/put-{n}")
PYTHON
    while read -r put; do
        curl --silent --show-error --fail --config "$put"
    done <"$work/puts"
}

ask 201 POST "$sessions" "{\"content_type\": \"$type\", \"title\": \"Recorded in chunks\"}"
session=$sessions/$(get 'it["session_id"]')

ask 200 POST "$session/chunks/presign" "$(chunk 0)"
cp "$work/answer" "$work/target"
ask 409 POST "$session/chunks/complete" '{"seq": 0}' # nothing has been sent
send 0
ask 200 POST "$session/chunks/complete" '{"seq": 0}'

for ((seq = chunks - 1; seq > 1; seq--)); do # in whatever order
    ask 200 POST "$session/chunks/presign" "$(chunk $seq)"
    cp "$work/answer" "$work/target"
    send $seq
    ask 200 POST "$session/chunks/complete" "{\"seq\": $seq}"
done

ask 409 POST "$session/finalize" '{}' # number 1 is missing, and is told
get 'it["detail"]'
ask 200 PUT "$session/manifest" "{\"language\": \"en\", \"chunks\": [$(chunk 1)]}"
ask 200 POST "$session/chunks/retry" '{}'
get 'json.dumps(it["chunks"][0])' >"$work/target"
send 1
ask 200 POST "$session/chunks/complete" '{"seq": 1}'
ask 200 GET "$session"
get '"{} bytes, {} ms, missing: {}".format(it["bytes"], it["duration_ms"], it["missing"])'
ask 200 GET "$sessions?limit=5"

ask 200 POST "$session/finalize" '{}'
job=$(get 'it["job_id"]')
ask 200 POST "$session/finalize" '{}' # the same again
[ "$(get 'it["job_id"]')" = "$job" ]

echo "debate $job"
until ask 200 GET "$api/jobs/$job" 2>/dev/null && state=$(get 'it["status"]') &&
    case $state in COMPLETE | FAILED | CANCELLED) ;; *) false ;; esac; do
    sleep 2
done
echo "$state"
[ "$state" = COMPLETE ]
ask 200 DELETE "$session" # the debate stays
ask 404 GET "$session"
ask 200 GET "$api/jobs/$job"
