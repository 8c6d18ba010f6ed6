# What deploy/up and deploy/down tell: lines with the seconds since the start, and where a failure is to be read up.
# Sourced, never run. Expects PROGRAM, the caller's name, and `set -euo pipefail` with inherit_errexit.

DOING="reading the options" # for the message when it fails
DOING_LOG=                  # where more about it is written: a file, or the name of a systemd unit
WATCHED=                    # the process that `watched` waits for

readonly SECONDS_BETWEEN_LINES=10

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

# step WHAT [LOG]: says what comes now; a failure from here on is its.
step() {
  DOING=$1 DOING_LOG=${2:-}
  say "$1"
}

fail() {
  printf '%s: %s\n' "$PROGRAM" "$*" >&2
  exit 1
}

# The trap of EXIT.
report_end() {
  local status=$?
  trap - EXIT
  stop_watched
  ((status == 0)) && exit 0
  printf '\n%s: failed after %d s. It was: %s\n' "$PROGRAM" "$SECONDS" "$DOING" >&2
  show_log >&2
  exit "$status"
}

show_log() {
  local lines
  if [[ $DOING_LOG == *.service ]]; then
    lines=$(journalctl -q -n 15 --no-pager -o cat -u "$DOING_LOG" 2>/dev/null || true)
  elif [[ -s $DOING_LOG ]]; then
    lines=$(tail -n 15 "$DOING_LOG")
  fi
  [[ -n ${lines:-} ]] || return 0
  printf 'The last lines of its log:\n'
  printf '%s\n' "$lines" | sed 's/^/    /'
  case $DOING_LOG in
    *.service) printf 'All of it: journalctl -u %s\n' "$DOING_LOG" ;;
    *) printf 'All of it: %s\n' "$DOING_LOG" ;;
  esac
}

stop_watched() {
  [[ -n $WATCHED ]] || return 0
  end_line
  kill -- "-$WATCHED" 2>/dev/null || true
  wait "$WATCHED" 2>/dev/null || true
  WATCHED=
}

# A line that is written over on a terminal; elsewhere a line every ten seconds.
NEXT_LINE_AT=0
progress_line() {
  local text=$1
  if [[ -t 1 ]]; then
    printf '\r\033[K[%4d s] %.*s' "$SECONDS" $((${COLUMNS:-80} - 12)) "$text"
  elif ((SECONDS >= NEXT_LINE_AT)); then
    say "$text"
    NEXT_LINE_AT=$((SECONDS + SECONDS_BETWEEN_LINES))
  fi
}
begin_lines() { NEXT_LINE_AT=$((SECONDS + SECONDS_BETWEEN_LINES)); }
end_line() { [[ ! -t 1 ]] || printf '\r\033[K'; }

# What the program that writes FILE says last, without colours, other control characters and a count of seconds like ours.
last_line() {
  local text
  text=$(tail -c 2000 "$1" | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*m//g' | grep -a '[^[:space:]]' | tail -n 1 || true)
  text=$(tr -d '[:cntrl:]' <<<"$text" | sed 's/^\[ *[0-9]* s\] //')
  printf '%s\n' "${text:-$DOING}"
}

# watched LOG COMMAND…: runs the command with its output in LOG, and shows the log's last line meanwhile. It gets a process
# group of its own (set -m), so that what ends us ends all that the command has started.
watched() {
  local log=$1 status=0
  shift
  DOING_LOG=$log
  : >"$log"
  set -m
  "$@" >>"$log" 2>&1 </dev/null 9>&- &
  set +m
  WATCHED=$!
  begin_lines
  while kill -0 "$WATCHED" 2>/dev/null; do
    progress_line "    $(last_line "$log")"
    sleep 0.2
  done
  end_line
  wait "$WATCHED" || status=$?
  WATCHED=
  return "$status"
}

# wait_until SECONDS WHAT COMMAND…: polls the command until it succeeds; fails when the time is over.
wait_until() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  begin_lines
  until "$@"; do
    ((SECONDS < deadline)) || { end_line; return 1; }
    progress_line "    waiting for $what"
    sleep 0.2
  done
  end_line
}
