# shellcheck shell=bash
# What a scenario is written with. A scenario sources this first; see README.md for the whole of it in an example.
#
#   need_fieldsync                          fails unless $FIELDSYNC_BINARY is there
#   air_starts PORT…                        a virtual air with a controller per port
#   air_port PORT                           the socket of a port: for guest_starts --air, and for hosts on this side
#   guest_starts NAME [OPTION…]             boots a guest (options of run-guest); several boot at the same time
#   lan OWN PEER ADDRESS/BITS               for guest_starts --lan: a card whose cable leads to PEER
#   guests_are_ready                        waits until every guest's adapters are powered
#   on NAME COMMAND…                        runs a command in a guest: output and exit code are its own
#   start_on NAME TAG COMMAND…              leaves a command running; output in the guest's results as TAG.log
#   until_said NAME TAG PATTERN [SECONDS]   waits for a line in TAG.log; fails when the command ends without it
#   said NAME TAG PATTERN                   whether TAG.log has such a line
#   stop_on NAME TAG [SIGNAL]               ends it (TERM) and waits until it is gone
#   wait_on NAME TAG [SECONDS]              waits until it ended by itself; its exit code
#   ended NAME TAG                          whether it did
#   eventually SECONDS WHAT COMMAND…        until COMMAND succeeds; fails the scenario with WHAT otherwise
#   air COMMAND…                            cut, restore, loss, delay, rate, links, carries, state: see air.py
#   lan_is NAME on|off                      plugs or pulls a guest's network cable; prints when, in seconds since 1970
#   seconds FROM TO                         between two times, to a tenth
#   within SECONDS FROM TO                  whether no more than that lies between two times
#   power_is_cut NAME                       the guest is gone, now; guest_starts boots it again
#   bluetoothd_ends NAME SIGNAL             and is not started again, but by the scenario
#   machine NAME COMMAND…                   QEMU's own commands: stop, cont, …
#   workspace NAME[=ROLE]…, documents NAME COUNT BYTES, home_goes_to GUEST NAME, agent_starts GUEST NAME [OPTION…],
#   agent_of NAME, entry_count GUEST NAME, digest GUEST NAME, was_in_step GUEST NAME, holds GUEST NAME COUNT: agents and
#   their homes
#   fail REASON                             ends the scenario
#
# Folders: $LAB_RUN holds everything of this run, $LAB_RUN/NAME is that guest's results folder, the same path inside it.
set -Eeuo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=paths.sh
source "$here/paths.sh"
: "${LAB_RUN:?scenarios are started by Tests/Lab/run}"
# Bounds for what does not end, wide enough for a machine that does much else: nobody waits for them otherwise.
LAB_COMMAND_SECONDS=${LAB_COMMAND_SECONDS:-120} # one command in a guest
LAB_GUEST_SECONDS=${LAB_GUEST_SECONDS:-300}     # a guest's whole life
LAB_READY_SECONDS=180                           # its start, with its three tries to power the adapters
LAB_END_SECONDS=60                              # its orderly end
LAB_SOCKETS=$(mktemp -d -p /tmp)                # not in a longer TMPDIR: a UNIX socket's path is short
lab_python=$FIELD_LAB_DIR/python/bin/python3
declare -A lab_guests=() # name → process of run-guest
declare -A lab_cut_off=()
lab_air=

fail() {
  [[ -s $LAB_RUN/reason ]] || printf '%s\n' "$*" >"$LAB_RUN/reason"
  note "error: $*"
  exit 1
}
note() { printf '%7.2f %s\n' "$((10#${EPOCHREALTIME/./} - lab_started))e-6" "$*" >&2; }
lab_started=$((10#${EPOCHREALTIME/./}))
lab_failed() { # lab_failed CODE LINE COMMAND
  [[ $BASH_SUBSHELL == 0 ]] || return 0
  case $3 in
    return*) fail "$lab_last: exit code $1" ;;
    *) fail "line $2: $3: exit code $1" ;;
  esac
}
trap 'lab_failed $? $LINENO "$BASH_COMMAND"' ERR

lab_ends() {
  local code=$? name
  trap - EXIT ERR
  set +e
  for name in "${!lab_guests[@]}"; do : >"$LAB_RUN/$name/.guest/stop"; done
  for name in "${!lab_guests[@]}"; do
    timeout "$LAB_END_SECONDS" tail --pid="${lab_guests[$name]}" -f /dev/null
    kill "${lab_guests[$name]}" 2>/dev/null
    wait "${lab_guests[$name]}"
    local ended=$?
    if [[ $ended != 0 && $code == 0 && -z ${lab_cut_off[$name]:-} ]]; then
      echo "guest $name ended with $ended; see $LAB_RUN/$name/serial.log" >"$LAB_RUN/reason"
      code=1
    fi
  done
  [[ -z $lab_air ]] || kill "$lab_air" 2>/dev/null
  rm -rf "$LAB_SOCKETS"
  exit "$code"
}
trap lab_ends EXIT
trap 'exit 143' TERM

eventually() {
  local seconds=$1 what=$2
  local limit=$((SECONDS + seconds))
  shift 2
  until lab_quiet=yes "$@" >"$LAB_RUN/last-try-$BASHPID" 2>&1; do
    # What failed for good, in a subshell that could not end the scenario.
    [[ ! -s $LAB_RUN/reason ]] || fail "$(<"$LAB_RUN/reason")"
    if ((SECONDS >= limit)); then
      cat "$LAB_RUN/last-try-$BASHPID" >&2
      fail "waited $seconds s in vain for $what${lab_heard:+; its last words: $(tail -n 2 "$lab_heard" | paste -sd '|')}"
    fi
    sleep 0.1
  done
}

seconds() { awk "BEGIN { printf \"%.1f\", $2 - $1 }"; }
within() { awk "BEGIN { exit !($3 - $2 <= $1) }"; }

air_starts() {
  "$lab_python" "$here/air.py" "$LAB_SOCKETS" "$@" >"$LAB_RUN/air.log" 2>&1 &
  lab_air=$!
  eventually 60 "the air; see $LAB_RUN/air.log" grep -qs '^on the air' "$LAB_RUN/air.log"
}
air_port() { printf '%s/air-%s\n' "$LAB_SOCKETS" "$1"; }
air() { /usr/bin/python3 "$here/control.py" air "$LAB_SOCKETS/air" "$@"; }

guest_starts() {
  local name=$1
  shift
  rm -rf "$LAB_RUN/$name/.guest" # of its earlier life
  mkdir -p "$LAB_RUN/$name/.guest"
  "$here/run-guest" --name "$name" --results "$LAB_RUN/$name" --deadline "$LAB_GUEST_SECONDS" \
    --monitor "$LAB_SOCKETS/$name.machine" --serve "$@" >&2 &
  lab_guests[$name]=$!
  unset "lab_cut_off[$name]"
}
guest_lives() { kill -0 "${lab_guests[$1]}" 2>/dev/null; }
guest_is_ready_or_dead() { [[ -e $LAB_RUN/$1/.guest/ready ]] || ! guest_lives "$1"; }
guests_are_ready() {
  local name
  for name in "${!lab_guests[@]}"; do
    [[ -z ${lab_cut_off[$name]:-} ]] || continue
    eventually "$LAB_READY_SECONDS" "guest $name to be ready" guest_is_ready_or_dead "$name"
    guest_lives "$name" || fail "guest $name died while starting; see $LAB_RUN/$name/serial.log"
  done
  note "ready: ${!lab_guests[*]}"
}
# For guest_starts --lan: this guest's address and whom its cable leads to.
lan() { printf '%s,%s/lan-%s,%s/lan-%s\n' "$3" "$LAB_SOCKETS" "$1" "$LAB_SOCKETS" "$2"; } # lan OWN PEER ADDRESS/BITS

machine() { /usr/bin/python3 "$here/control.py" machine "$LAB_SOCKETS/$1.machine" "${@:2}"; }
lan_is() {
  local up=true
  [[ $2 == on ]] || up=false
  machine "$1" set_link name=lan up=$up
}
bluetoothd_ends() {
  # shellcheck disable=SC2016
  on "$1" bash -c '
    touch /run/bluetoothd-is-the-scenarios && kill -s "$1" $(pidof bluetoothd)
    while pidof bluetoothd >/dev/null; do sleep 0.1; done' _ "$2"
}
power_is_cut() {
  lab_cut_off[$1]=yes
  machine "$1" quit >&2
  timeout "$LAB_END_SECONDS" tail --pid="${lab_guests[$1]}" -f /dev/null
}

lab_command() { # lab_command NAME WORD…: hands it to the guest; sets lab_command_path
  local name=$1
  shift
  guest_lives "$name" || fail "guest $name is dead; see $LAB_RUN/$name/serial.log"
  lab_command_path=$LAB_RUN/$name/.guest/commands/$EPOCHREALTIME-$BASHPID
  printf '%q ' "$@" >"$lab_command_path.new"
  mv "$lab_command_path.new" "$lab_command_path.run"
}
on() {
  local name=$1 path limit=$((SECONDS + LAB_COMMAND_SECONDS))
  [[ -n ${lab_quiet:-} ]] || note "$name: ${*:2}"
  lab_command "$@"
  path=$lab_command_path
  until [[ -s $path.code ]]; do
    guest_lives "$name" || fail "guest $name died during: ${*:2}; see $LAB_RUN/$name/serial.log"
    ((SECONDS < limit)) || fail "not done after $LAB_COMMAND_SECONDS s in guest $name: ${*:2}"
    sleep 0.05
  done
  cat "$path.err" >&2
  cat "$path.out"
  lab_last="in guest $name: ${*:2}"
  return "$(<"$path.code")"
}
start_on() {
  local name=$1 tag=$2
  shift 2
  note "$name: $tag: $*"
  rm -f "$LAB_RUN/$name/$tag".{log,code,pid}
  # shellcheck disable=SC2016
  lab_command "$name" bash -c '
    "${@:2}" >"$LAB_RESULTS/$1.log" 2>&1 & echo $! >"$LAB_RESULTS/$1.pid"; code=0; wait $! || code=$?
    echo $code >"$LAB_RESULTS/$1.new"; mv "$LAB_RESULTS/$1.new" "$LAB_RESULTS/$1.code"' start "$tag" "$@"
  eventually 60 "$tag to start in guest $name" test -s "$LAB_RUN/$name/$tag.pid"
}
said() { grep -qs -e "$3" "$LAB_RUN/$1/$2.log"; }
said_or_ended() { said "$@" || [[ -e $LAB_RUN/$1/$2.code ]]; }
ended() { [[ -e $LAB_RUN/$1/$2.code ]]; }
until_said() {
  lab_heard=$LAB_RUN/$1/$2.log eventually "${4:-120}" "'$3' in $LAB_RUN/$1/$2.log" said_or_ended "$@"
  said "$@" || fail "$2 in guest $1 ended without '$3': $(tail -n 1 "$LAB_RUN/$1/$2.log")"
}
wait_on() {
  lab_heard=$LAB_RUN/$1/$2.log eventually "${3:-120}" "$2 in guest $1 to end; see $LAB_RUN/$1/$2.log" ended "$1" "$2"
  lab_last="$2 in guest $1; see $LAB_RUN/$1/$2.log"
  return "$(<"$LAB_RUN/$1/$2.code")"
}
stop_on() {
  on "$1" kill -s "${3:-TERM}" "$(<"$LAB_RUN/$1/$2.pid")"
  wait_on "$1" "$2" || true
}

# The agents' part: the executable that the guests run as it is.
need_fieldsync() {
  [[ -x $FIELDSYNC_BINARY ]] || fail "no executable $FIELDSYNC_BINARY; next step: swift build --product fieldsync"
}

# Homes are made on this side, where that takes a tenth of the time; the guests' own copies are what agents run on.
workspace() { # workspace NAME[=ROLE]…: the first founds it, and lets the others in
  local homes=$LAB_RUN/homes name invitation agent
  mkdir -p "$homes"
  rm -f "$homes/agent.out"
  "$FIELDSYNC_BINARY" init --home "$homes/$1" --name "$1" >&2
  "$FIELDSYNC_BINARY" agent --home "$homes/$1" --no-ble --listen 127.0.0.1:0 >"$homes/agent.out" 2>"$homes/agent.log" &
  agent=$!
  eventually 60 "the agent that lets the others in; see $homes/agent.log" grep -qs '^ready' "$homes/agent.out"
  for name in "${@:2}"; do
    invitation=$("$FIELDSYNC_BINARY" invite --home "$homes/$1" --quiet --role "$([[ $name == *=* ]] && echo "${name#*=}" || echo member)")
    name=${name%=*}
    "$FIELDSYNC_BINARY" join - --home "$homes/$name" --name "$name" \
      --connect "$(grep -o 'tcp://[^ ]*' "$homes/agent.out")" <<<"$invitation" >&2
  done
  kill "$agent"
  wait "$agent" || true
}
documents() { # documents NAME COUNT BYTES: that many small ones of its own, and one large
  local files=$LAB_RUN/homes/$1-files index
  mkdir -p "$files"
  for ((index = 0; index < $2; index++)); do printf '%s, finding %d\n' "$1" "$index" >"$files/$1-$index.txt"; done
  head -c "$3" /dev/urandom >"$files/$1-photo"
  "$FIELDSYNC_BINARY" import survey "$files" --quiet --home "$LAB_RUN/homes/$1"
}
home_goes_to() { # home_goes_to GUEST NAME: to its /root/NAME
  cp -a "$LAB_RUN/homes/$2" "$LAB_RUN/$1/home-$2"
  on "$1" cp -a "$LAB_RUN/$1/home-$2" "/root/$2"
}
declare -A lab_agents=()
agent_starts() { # agent_starts GUEST NAME [OPTION…]: logs in NAME-1.log, NAME-2.log …; $(agent_of NAME) is the newest
  lab_agents[$2]=$((${lab_agents[$2]:-0} + 1))
  start_on "$1" "$(agent_of "$2")" "$FIELDSYNC_BINARY" agent --home "/root/$2" --log-level debug "${@:3}"
}
agent_of() { printf '%s-%s\n' "$1" "${lab_agents[$1]}"; }
status_of() { # status_of GUEST NAME EXPRESSION: of `status --json`, as Python sees it
  on "$1" "$FIELDSYNC_BINARY" status --json --home "/root/$2" 2>/dev/null |
    python3 -c "import json, sys; status = json.load(sys.stdin); print($3)"
}
survey='next((d for d in status["databases"] if d["name"] == "survey"), {"entries": 0, "digest": None})'
entry_count() { status_of "$1" "$2" "$survey['entries']"; } # entry_count GUEST NAME
digest() { status_of "$1" "$2" "$survey['digest']"; }       # digest GUEST NAME
# Whether an agent that agent_starts started has been in step with a peer. Costs the guest nothing, other than `status`,
# which takes its processor for a second: what is waited for by that is waited for by this first.
was_in_step() { # was_in_step GUEST NAME
  [[ -z ${lab_agents[$2]:-} ]] || said "$1" "$(agent_of "$2")" ' in step$'
}
holds() { # holds GUEST NAME COUNT: whether so many entries are there
  was_in_step "$1" "$2" || return
  sleep 1
  [[ $(entry_count "$1" "$2") -ge $3 ]]
}
# What the agents' logs say of all that came, summed up.
pulled() { # pulled GUEST NAME stored|duplicate|refused|missing
  cat "$LAB_RUN/$1/$2-"*.log | sed -n '/ pulled$/s/.*'"$3"'=\([0-9]*\).*/\1/p' |
    awk '{ sum += $1 } END { print sum + 0 }'
}
home_entry_count() { # home_entry_count NAME: before the home went to a guest
  "$FIELDSYNC_BINARY" status --json --home "$LAB_RUN/homes/$1" |
    python3 -c "import json, sys; status = json.load(sys.stdin); print($survey['entries'])"
}
