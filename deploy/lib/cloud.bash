# The control plane, this machine as its host, and the images in it. Sourced, never run; needs processes.bash.

readonly OPERATOR_ACCOUNT=000000000000 # of api/actions/image_names.h: the owner of what `lodge image import` brings

lodge() { "$BIN/lodge" --state-dir "$STATE" "$@"; }

# listen_address OPTION: the address by which this machine itself reaches a listener of lodged.
listen_address() {
  local address
  address=$(option_of "$CONFIG/lodged.toml" "$1" 127.0.0.1)
  case $address in
    0.0.0.0) address=127.0.0.1 ;;
    ::) address='[::1]' ;;
    *:*) address="[$address]" ;;
  esac
  printf '%s\n' "$address"
}

endpoint() {
  local scheme=http
  [[ -z $(option_of "$CONFIG/lodged.toml" tls-certificate '') ]] || scheme=https
  printf '%s://%s:%s\n' "$scheme" "$(listen_address listen)" "$(option_of "$CONFIG/lodged.toml" port 8773)"
}

agent_endpoint() {
  printf '%s:%s\n' "$(listen_address agent-listen)" "$(option_of "$CONFIG/lodged.toml" agent-port 8774)"
}

# ensure_lodged PORT AGENT_PORT: either may be empty, for what is configured already.
ensure_lodged() {
  local config=$CONFIG/lodged.toml
  new_config "$config" lodged
  set_option "$config" state-dir "\"$STATE\""
  set_option "$config" agent-port "${2:-$(option_of "$config" agent-port 8774)}"
  # OVN is one cloud's.
  if [[ $OVS_OWNER == "another cloud" ]]; then
    set_option "$config" ovn-northbound '""'
  else
    set_option "$config" ovn-northbound '"unix:/run/ovn/ovnnb_db.sock"'
  fi
  set_option "$config" ipv6-pool "\"$(ovn_value IPV6_POOL)\""
  set_option "$config" public-pool "[\"$(ovn_value PUBLIC_POOL)\"]"
  set_option "$config" port "${1:-$(option_of "$config" port 8773)}"
  ensure_service lodged
  wait_until 60 "lodged at $(endpoint)" lodged_is_healthy_or_dead
  service_runs lodged || fail "lodged ended"
  healthy || fail "lodged does not answer at $(endpoint)/healthz"
}

healthy() { curl -sfk --noproxy '*' --max-time 5 -o /dev/null "$(endpoint)/healthz"; }

lodged_is_healthy_or_dead() { healthy || ! service_runs lodged; }

# The first account, once, and the file that users source. Whoever called sudo may read it.
ensure_account() {
  local key secret made
  key=$(env_value AWS_ACCESS_KEY_ID)
  secret=$(env_value AWS_SECRET_ACCESS_KEY)
  if [[ -z $key ]] || ! lodge --json account list | jq -e --arg key "$key" 'any(.accounts[].access_keys[]; . == $key)' >/dev/null; then
    step "making an account"
    made=$(lodge --json account create main --operator)
    key=$(jq -r .access_key <<<"$made")
    secret=$(jq -r .secret_key <<<"$made")
  fi
  (umask 077 && environment "$key" "$secret" >"$ENV_FILE.new")
  [[ ! -e $ENV_FILE ]] || chown --reference "$ENV_FILE" "$ENV_FILE.new"
  [[ -z ${SUDO_UID:-} ]] || chown "$SUDO_UID" "$ENV_FILE.new"
  mv "$ENV_FILE.new" "$ENV_FILE"
}

env_value() { sed -n "s/^export $1='\(.*\)'\$/\1/p" "$ENV_FILE" 2>/dev/null || true; }

environment() {
  cat <<ENV
# Made by deploy/up, for shells to source.
export AWS_ACCESS_KEY_ID='$1'
export AWS_SECRET_ACCESS_KEY='$2'
export AWS_DEFAULT_REGION='$(lodge --json info | jq -r .default_region)'
export AWS_PAGER=''
export LODGE_ENDPOINT='$(endpoint)'
unset AWS_SESSION_TOKEN AWS_SECURITY_TOKEN AWS_PROFILE
ENV
  [[ $STATE == "$DEFAULT_STATE" ]] || printf "export LODGE_STATE_DIR='%s'\n" "$STATE"
}

# ensure_agent SERVER TOKEN: joins this machine, once, and runs its agent. The token may be empty on the control plane's
# own machine, where one can be made.
ensure_agent() {
  local config=$CONFIG/lodge-agent.toml token=$2
  new_config "$config" lodge-agent
  set_option "$config" token-file "\"$STATE/join-token\""
  set_option "$config" server "\"$1\""
  set_option "$config" state-dir "\"$AGENT_STATE\""
  if [[ ! -s $AGENT_STATE/host.json ]]; then
    step "joining this machine to the cloud" "$(service_log lodge-agent)"
    [[ -n $token ]] || token=$(lodge --json host token | jq -er .token)
    (umask 077 && printf '%s\n' "$token" >"$STATE/join-token")
  fi
  ensure_service lodge-agent
  wait_until 30 "lodge-agent to join" agent_joined_or_dead
  [[ -s $AGENT_STATE/host.json ]] || fail "lodge-agent did not join $1"
  service_runs lodge-agent || fail "lodge-agent ended"
}

agent_joined_or_dead() { [[ -s $AGENT_STATE/host.json ]] || ! service_runs lodge-agent; }

wait_for_host() {
  DOING="waiting for the host $(host_id)" DOING_LOG=$(service_log lodge-agent)
  wait_until 90 "the host $(host_id) to be ready" host_is_ready && return
  lodge host list >&2 || true
  fail "the host $(host_id) is not ready for guests"
}

host_is_ready() {
  lodge --json host list 2>/dev/null | jq -e --arg id "$(host_id)" 'any(.hosts[]; .id == $id and (.condition | IN("ok", "draining")))' >/dev/null
}

# ensure_image NAME: imports what build_image made, unless that is in the cloud already. Sets IMAGE_ID.
ensure_image() {
  local name=$1 content stamp=$IMAGES/.$1.imported
  content=$(content_of "$name")
  if [[ -f $stamp && $(sed 1d "$stamp") == "$content" ]]; then
    IMAGE_ID=$(head -n 1 "$stamp")
    is_imported "$name" "$IMAGE_ID" && { say "the image $name is $IMAGE_ID"; return; }
  fi
  step "importing the image $name"
  forget_image "$name"
  IMAGE_ID=$(import_image "$name")
  printf '%s\n%s\n' "$IMAGE_ID" "$content" >"$stamp"
  say "the image $name is $IMAGE_ID"
}

# The description, which says how to boot it, and the files it names.
content_of() {
  (cd "$IMAGES" && { echo "$1.json"; jq -r '.disk, .kernel // empty, .ramdisk // empty' "$1.json"; } | xargs -d '\n' sha256sum)
}

is_imported() {
  lodge --json image list | jq -e --arg name "$1" --arg id "$2" 'any(.images[]; .id == $id and .name == $name)' >/dev/null
}

# Instances of the old image keep what they boot from: lodged holds on to content that is in use. Its kernel and ramdisk
# are images as well, and may be another image's, too; then lodged keeps them.
forget_image() {
  local old kernel ramdisk part
  while read -r old kernel ramdisk; do
    say "the image $1 has changed; deleting $old"
    lodge image delete "$old" >/dev/null
    for part in $ramdisk $kernel; do lodge image delete "$part" >/dev/null 2>&1 || true; done
  done < <(lodge --json image list | jq -r --arg name "$1" --arg owner "$OPERATOR_ACCOUNT" \
    '.images[] | select(.name == $name and .account_id == $owner) | "\(.id) \(.kernel_id) \(.ramdisk_id)"')
}

import_image() {
  local json=$IMAGES/$1.json part options=()
  for part in kernel ramdisk; do
    ! jq -e "has(\"$part\")" "$json" >/dev/null || options+=("--$part" "$IMAGES/$(jq -r ".$part" "$json")")
  done
  ! jq -e 'has("cmdline")' "$json" >/dev/null || options+=(--cmdline "$(jq -r .cmdline "$json")")
  lodge image import "$IMAGES/$(jq -r .disk "$json")" --name "$1" --arch "$(jq -r .architecture "$json")" \
    --format "$(jq -r .format "$json")" "${options[@]}"
}
