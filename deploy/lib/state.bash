# Where a cloud keeps what is its own, and its configuration files. Sourced, never run; needs progress.bash.
# The configuration is the operator's as well: only the named options are touched, everything else stays as it is.

readonly DEFAULT_STATE=/var/lib/lodge
readonly BIN=/usr/local/bin SHARE=/usr/local/share/lodge
readonly COMPLETION=/usr/local/share/bash-completion/completions/lodge

has_systemd() { [[ -d /run/systemd/system ]]; }

# use_state DIR: sets the paths. DIR may be empty: the machine's cloud, wherever it is. Units know one place for their
# configuration, so with systemd a machine has one cloud; without, it may have several.
use_state() {
  local configured
  configured=$(configured_state)
  STATE=$(realpath -m -- "${1:-${configured:-$DEFAULT_STATE}}")
  [[ $STATE =~ ^/[A-Za-z0-9._/+@-]*[A-Za-z0-9]$ ]] || fail "the state folder's path may hold letters, digits and ._+@- alone: $STATE"
  ((${#STATE} <= 90)) || fail "the state folder's path is too long for a socket in it: $STATE"
  AGENT_STATE=$STATE/agent
  RUN=$STATE/run LOG=$STATE/log IMAGES=$STATE/build-images ENV_FILE=$STATE/env
  CONFIG=/etc/lodge
  has_systemd || [[ $STATE == "$DEFAULT_STATE" ]] || CONFIG=$STATE/config
  [[ $CONFIG != /etc/lodge || -z $configured || $configured == "$STATE" ]] ||
    fail "this machine's cloud is in $configured, says /etc/lodge"
}

configured_state() {
  local agent_state
  agent_state=$(option_of /etc/lodge/lodge-agent.toml state-dir '')
  option_of /etc/lodge/lodged.toml state-dir "${agent_state%/agent}"
}

# QEMU's user passes through the folder to the guests' disks; everything else in it is for root.
make_state_folders() {
  mkdir -p "$STATE" "$RUN" "$LOG" "$IMAGES" "$CONFIG"
  chmod 711 "$STATE"
  chmod 700 "$RUN" "$LOG" "$IMAGES"
}

check_state() {
  is_ours || fail "$STATE is there already and holds something else; take another --state-dir"
  ! has_systemd || [[ ! $STATE/ =~ ^/(home|root|run/user|tmp|var/tmp|etc|usr|boot|efi)/ ]] ||
    fail "the units' sandboxes have no ${BASH_REMATCH[0]} to write to; take another --state-dir than $STATE"
  check_passable
}

# Whether the state folder is a cloud's, or free to become one.
is_ours() {
  [[ -e $STATE/lodge.db || -e $RUN/lock || -e $AGENT_STATE/host.json ]] || ! compgen -G "$STATE/*" >/dev/null
}

check_passable() {
  local folder
  folder=$(dirname "$STATE")
  while [[ $folder != / ]]; do
    [[ ! -e $folder || $(stat -c %A "$folder") == *[xt] ]] ||
      fail "QEMU's user may not pass through $folder (chmod o+x $folder), so guests could not use disks in $STATE"
    folder=$(dirname "$folder")
  done
}

# One deploy/up or deploy/down at a time. The lock is file descriptor 9, which nothing that stays behind may inherit.
lock_state() {
  mkdir -p "$RUN"
  exec 9>"$RUN/lock"
  flock -n 9 && return
  say "another deploy/up or deploy/down works on $STATE; waiting for it"
  flock 9
}

# option_of FILE KEY DEFAULT: an option's value, without quotes and a comment after it.
option_of() {
  local value
  value=$([[ ! -e $1 ]] || sed -n "s/^$2 *= *//p" "$1" | tail -n 1 | sed 's/^"\([^"]*\)".*/\1/; t; s/ *\(#.*\)\?$//')
  printf '%s\n' "${value:-$3}"
}

# set_option FILE KEY VALUE: changes the option's line, or puts one above the others, before any section.
set_option() {
  local file=$1 key=$2 line="$2 = $3"
  ! grep -qxF -- "$line" "$file" || return 0
  KEY=$key LINE=$line awk '
    BEGIN { key = "^" ENVIRON["KEY"] " *="; line = ENVIRON["LINE"] }
    NR == FNR { known = known || $0 ~ key; next }
    known && $0 ~ key { print line; next }
    !known && !done && !/^ *(#|$)/ { print line; done = 1 }
    { print }
    END { if (!known && !done) print line }' "$file" "$file" >"$file.new"
  mv "$file.new" "$file"
}

# new_config FILE PROGRAM: makes the file, if it is missing.
new_config() {
  [[ ! -e $1 ]] || return 0
  printf '# Options of %s, one a line; "%s --help" lists them, without the dashes. Run deploy/up after changes.\n' \
    "$2" "$2" >"$1"
}
