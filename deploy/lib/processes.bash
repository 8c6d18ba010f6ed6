# Long-running programs: as systemd's services where it runs, else as processes of their own, known by pid files.
# Sourced, never run; needs state.bash. A program is started anew only if what it was started from has changed.

# identity_of PID: what tells this process from a later one with the same number; fails if it is not running.
identity_of() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -r -a stat <<<"${stat##*) }" # from the third field on: the state; the 22nd is the start time
  [[ ${stat[0]} != [ZX] ]] || return 1
  printf '%s.%s\n' "$(</proc/sys/kernel/random/boot_id)" "${stat[19]}"
}

# pid_of NAME: the pid of the process that we started under that name; fails if it is gone.
pid_of() {
  local pid identity
  [[ -s $RUN/$1.pid ]] || return 1
  read -r pid identity <"$RUN/$1.pid"
  [[ -n $identity && $(identity_of "$pid") == "$identity" ]] || return 1 # none: it had ended before it could be read
  printf '%s\n' "$pid"
}

# start_process NAME COMMAND…: in a session of its own, with its output added to a log, and files for root alone.
start_process() {
  local name=$1 pid
  shift
  (
    umask 077
    exec setsid "$@" </dev/null >>"$LOG/$name.log" 2>&1 9>&-
  ) &
  pid=$!
  disown "$pid"
  printf '%s %s\n' "$pid" "$(identity_of "$pid")" >"$RUN/$name.pid"
}

# stop_process NAME SECONDS: asks, waits, then forces.
stop_process() {
  local name=$1 pid
  if pid=$(pid_of "$name"); then
    kill "$pid" 2>/dev/null || true
    if ! wait_until "$2" "$name to end" process_gone "$name"; then
      say "$name does not end; killing it"
      kill -KILL "$pid" 2>/dev/null || true
      wait_until 10 "$name to end" process_gone "$name" || fail "process $pid ($name) cannot be killed"
    fi
  fi
  rm -f "$RUN/$name.pid"
}

process_gone() { ! pid_of "$1" >/dev/null; }

# Whether anybody's lodged or lodge-agent runs from what we installed; without systemd that may be another cloud's.
programs_in_use() {
  local exe
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe" 2>/dev/null || true) in "$BIN"/lodged* | "$BIN"/lodge-agent*) return 0 ;; esac
  done
  return 1
}

# Services are processes with a unit of the same name, and a configuration file.

service_log() { if has_systemd; then printf '%s.service\n' "$1"; else printf '%s\n' "$LOG/$1.log"; fi; }

service_runs() {
  if has_systemd; then systemctl -q is-active "$1.service"; else pid_of "$1" >/dev/null; fi
}

# What a service is started from: when one of these changes, it has to be started anew.
service_sources() {
  printf '%s\n' "$BIN/$1" "$CONFIG/$1.toml"
  [[ $1 != lodged ]] || printf '%s\n' "$SHARE/instance_types.toml"
  ! has_systemd || printf '%s\n' "/etc/systemd/system/$1.service"
}

fingerprint_of() { service_sources "$1" | xargs -d '\n' sha256sum; }

# up_to_date NAME: it runs, and from just these files.
up_to_date() {
  service_runs "$1" && [[ -f $RUN/$1.started-from ]] && [[ $(fingerprint_of "$1") == "$(<"$RUN/$1.started-from")" ]]
}

# ensure_service NAME: runs it from what is installed now. Whether it works is for the caller to see.
ensure_service() {
  local name=$1
  ! has_systemd || install_unit "$name"
  if up_to_date "$name"; then
    say "$name runs"
    return
  fi
  if service_runs "$name"; then
    step "starting $name anew: its program or configuration has changed" "$(service_log "$name")"
    stop_service "$name"
  else
    step "starting $name" "$(service_log "$name")"
  fi
  fingerprint_of "$name" >"$RUN/$name.started-from"
  if has_systemd; then
    systemctl -q enable "$name.service"
    systemctl restart "$name.service"
  else
    start_process "$name" "$BIN/$name" --config "$CONFIG/$name.toml"
  fi
}

install_unit() {
  local unit=/etc/systemd/system/$1.service
  ! cmp -s "$DEPLOY/systemd/$1.service" "$unit" || return 0
  install -m 644 "$DEPLOY/systemd/$1.service" "$unit"
  systemctl daemon-reload
}

stop_service() {
  if has_systemd; then systemctl stop "$1.service"; else stop_process "$1" 30; fi
}
