# From the source tree to installed programs and guest images. Sourced, never run; needs state.bash.

readonly REPO=${DEPLOY%/*}
readonly BUILD=$REPO/build/release

# ensure_packages LIST…
ensure_packages() {
  local missing
  missing=$("$DEPLOY/packages/install" --missing "$@" | xargs)
  [[ -n $missing ]] || { say "all packages are there"; return 0; }
  step "installing packages: $missing"
  watched "$LOG/packages.log" "$DEPLOY/packages/install" "$@"
}

# The tree may belong to a user who became root for deploy/up; what is built in it is to be that user's, too.
as_owner() {
  local owner=$REPO uid gid home
  [[ ! -e $BUILD ]] || owner=$BUILD
  read -r uid gid <<<"$(stat -c '%u %g' "$owner")"
  if ((uid == EUID)); then
    "$@"
  else
    home=$(getent passwd "$uid" | cut -d: -f6 || true) # an owner need not have an account
    setpriv --reuid "$uid" --regid "$gid" --clear-groups env HOME="${home:-/nonexistent}" "$@"
  fi
}

# Compilers of this code take up to 1.2 GiB each.
jobs_that_fit() {
  local jobs cpus
  jobs=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 1200) }' /proc/meminfo)
  cpus=$(nproc)
  ((jobs < cpus)) || jobs=$cpus
  printf '%s\n' $((jobs > 0 ? jobs : 1))
}

# build PROGRAM…
build() {
  local tests=OFF
  dpkg-query -W libgtest-dev libgmock-dev >/dev/null 2>&1 && tests=ON
  step "building $*" "$LOG/build.log"
  as_owner mkdir -p "$BUILD"
  if [[ ! -e $BUILD/build.ninja ]] || ! grep -qx "LODGE_TESTS:BOOL=$tests" "$BUILD/CMakeCache.txt"; then
    watched "$LOG/build.log" as_owner cmake -S "$REPO" --preset release "-DLODGE_TESTS=$tests"
  fi
  watched "$LOG/build.log" as_owner ninja -C "$BUILD" -j "$(jobs_that_fit)" "$@"
}

# put FILE TARGET MODE: installs what differs, in one rename, so that running programs keep what they run from.
put() {
  ! cmp -s "$1" "$2" || return 0
  mkdir -p "${2%/*}"
  install -m "$3" "$1" "$2.new"
  mv "$2.new" "$2"
  say "installed $2"
}

install_agent() { put "$BUILD/agent/lodge-agent" "$BIN/lodge-agent" 755; }

install_control_plane() {
  put "$BUILD/api/lodged" "$BIN/lodged" 755
  put "$BUILD/api/lodge" "$BIN/lodge" 755
  put "$REPO/api/catalogue/instance_types.toml" "$SHARE/instance_types.toml" 644
  "$BIN/lodge" completion bash >"$RUN/completion"
  put "$RUN/completion" "$COMPLETION" 644
}

# build_image KIND DURATION: one of deploy/images, and what to tell of the time that it takes when it is not up to date.
# Its fetching from apt fails where the lists are missing or have gone stale.
build_image() {
  step "making the guest image '$1' (at first $2)" "$LOG/image-$1.log"
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || watched "$LOG/image-$1.log" apt-get -q update
  if watched "$LOG/image-$1.log" "$DEPLOY/images/build" "$1" --out "$IMAGES"; then return; fi
  say "that failed; once more, with apt's newest lists"
  watched "$LOG/image-$1.log" apt-get -q update
  watched "$LOG/image-$1.log" "$DEPLOY/images/build" "$1" --out "$IMAGES"
}
