# Shared by the image recipes; sourced, never run. Expects `set -euo pipefail` and OUT, FORCE, IMAGES to be set.

# One line of progress with the seconds since the start.
step() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

fail() { printf 'build: %s\n' "$*" >&2; exit 1; }

# need TOOL=PACKAGE...: names every package that is missing at once, so that one apt-get install does it.
need() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  ((${#missing[@]} == 0)) || fail "missing packages: apt-get install $(printf '%s\n' "${missing[@]}" | sort -u | xargs)"
}

# candidates PACKAGE...: a line "package version" for what apt would fetch of each. Reads apt's local lists only.
candidates() {
  local found
  found=$(apt-cache show --no-all-versions "$@" 2>/dev/null |
    awk '$1 == "Package:" { package = $2 } $1 == "Version:" { print package, $2 }')
  (($(wc -l <<<"$found") == $#)) || fail "apt does not know all of: $* (run apt-get update first)"
  printf '%s\n' "$found"
}

# The kernel package that Debian's meta package for cloud guests stands for.
cloud_kernel_package() {
  apt-cache show --no-all-versions linux-image-cloud-amd64 |
    sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p'
}

# fetch_and_unpack DIR PACKAGE...: unpacks the packages' files under DIR without installing anything.
fetch_and_unpack() {
  local dir=$1 deb
  shift
  mkdir -p "$dir.debs" "$dir"
  (cd "$dir.debs" && apt-get -qq -o APT::Sandbox::User=root download "$@")
  for deb in "$dir.debs"/*.deb; do dpkg-deb -x "$deb" "$dir"; done
}

# inputs_of NAME PACKAGE...: what a result depends on, as text: the recipe's files and the packages' versions.
inputs_of() {
  local name=$1
  shift
  (cd "$IMAGES" && find build lib.bash "$name" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
  candidates "$@"
}

# up_to_date INPUTS STAMP FILE...: true if the files are there and were made from just these inputs.
up_to_date() {
  local inputs=$1 stamp=$2 file
  shift 2
  [[ $FORCE == no ]] || return 1
  for file in "$@"; do [[ -s $file ]] || return 1; done
  [[ -f $stamp && $(<"$stamp") == "$inputs" ]]
}

# publish DIR FILE...: moves finished files to OUT. Each appears whole or not at all.
publish() {
  local dir=$1 file
  shift
  for file in "$@"; do
    cp --sparse=always "$dir/$file" "$OUT/.$file.new"
    mv "$OUT/.$file.new" "$OUT/$file"
  done
}

# report FILE...: sizes on disk, for people.
report() {
  local file
  for file in "$@"; do printf '        %8d KiB  %s\n' $(($(stat -c %s "$file") / 1024)) "$file"; done
}
