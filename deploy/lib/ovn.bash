# Open vSwitch and OVN out of Debian 13 (../ovn): their installation, and their programs as services. A machine has one of
# each, whichever cloud started them. Sourced, never run; needs processes.bash.

readonly OVN_PREFIX=/usr/local/lib/lodge/ovn
readonly VSCTL=$BIN/ovs-vsctl # libvirt finds it by its PATH
readonly DEFAULT_PUBLIC_POOL=198.19.64.0/22
readonly DEFAULT_IPV6_POOL=fd6c:6f64:6700::/40
readonly OVN_PARTS=(ovs-db ovs-vswitchd ovn-nb ovn-sb ovn-northd ovn-controller) # in the order of starting
readonly OVN_SB_PORT=6642

ovn_log() { service_log "lodge-$1"; }

serve_ovn() { "$OVN_PREFIX/bin/serve" --config "$CONFIG/ovn.conf" "$@"; }

install_ovn() {
  step "installing Open vSwitch and OVN" "$LOG/ovn-install.log"
  watched "$LOG/ovn-install.log" "$DEPLOY/ovn/install" --prefix "$OVN_PREFIX"
  [[ -n $(command -v ovs-vsctl) ]] || ln -sf "$OVN_PREFIX/bin/ovs-vsctl" "$VSCTL"
  allow_vsctl_in_apparmor
}

# --- Configuration -----------------------------------------------------------------------------------------------------

# shellcheck source=/dev/null
ovn_value() { (unset "$1" && . "$CONFIG/ovn.conf" 2>/dev/null && printf '%s\n' "${!1:-}") || true; }

# set_ovn_values KEY VALUE…
set_ovn_values() {
  local file=$CONFIG/ovn.conf
  [[ -e $file ]] || echo "# Read by $OVN_PREFIX/bin/serve, as shell. Run deploy/up after changes." >"$file"
  while (($#)); do
    if [[ $(ovn_value "$1") != "$2" ]]; then
      { sed "/^$1=/d" "$file" && printf '%s=%q\n' "$1" "$2"; } >"$file.new"
      mv "$file.new" "$file"
    fi
    shift 2
  done
}

# configure_ovn DATAPATH POOL: either may be empty, for what is configured already.
configure_ovn() {
  local datapath pool ipv6_pool
  datapath=${1:-$(ovn_value DATAPATH)}
  pool=${2:-$(ovn_value PUBLIC_POOL)}
  pool=${pool:-$DEFAULT_PUBLIC_POOL}
  check_public_pool "$pool"
  ipv6_pool=$(ovn_value IPV6_POOL)
  ipv6_pool=${ipv6_pool:-$DEFAULT_IPV6_POOL}
  check_ipv6_pool "$ipv6_pool"
  set_ovn_values STATE_DIR "$STATE/ovn" DATAPATH "${datapath:-auto}" PUBLIC_POOL "$pool" IPV6_POOL "$ipv6_pool"
}

# Routes shorter than /8 stand for the way out, as the default route does.
check_public_pool() {
  local clash
  clash=$(ip -j -4 route show | python3 -c '
import ipaddress, json, sys
pool = ipaddress.ip_network(sys.argv[1])
for route in json.load(sys.stdin):
    dst = ipaddress.ip_network("0.0.0.0/0" if route["dst"] == "default" else route["dst"])
    if dst.prefixlen >= 8 and route.get("dev") != "br-lodge-public" and pool.overlaps(dst):
        print(dst)' "$1" 2>/dev/null) || fail "$1 is not a network"
  [[ -z $clash ]] || fail "$1 overlaps with ${clash//$'\n'/, }, to which this machine has a route; take another --public-pool"
}

check_ipv6_pool() {
  python3 -c '
import ipaddress, sys
pool = ipaddress.IPv6Network(sys.argv[1])
sys.exit(pool.prefixlen > 55 or str(pool) != sys.argv[1] or not str(pool.network_address).endswith("::"))' "$1" 2>/dev/null ||
    fail "IPV6_POOL in $CONFIG/ovn.conf is $1: not a network like $DEFAULT_IPV6_POOL"
}

# own_address TARGET: the address with which packets to there would leave this machine; empty if there is no way.
own_address() {
  local target
  target=$(getent ahostsv4 "$1" | awk 'NR == 1 { print $1 }' || true)
  ip -4 -o route get "${target:-$1}" 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' || true
}

# encap_address TARGET: what other hosts tunnel to: as configured, while that is this machine's, else its way to TARGET.
encap_address() {
  local address
  address=$(ovn_value ENCAP_IP)
  [[ -n $address && $address != 127.* && -n $(ip -4 -o address show to "$address") ]] || address=$(own_address "$1")
  printf '%s\n' "${address:-127.0.0.1}"
}

# --- Services ----------------------------------------------------------------------------------------------------------

# What runs at the place of Open vSwitch: us, nobody, another cloud of this machine, or a stranger. A unit's process shows
# its program under other paths, but then there are no other clouds.
who_runs_ovs() {
  local pid exe=
  if service_runs lodge-ovs-db; then echo us; return; fi
  pid=$(cat /run/openvswitch/ovsdb-server.pid 2>/dev/null || true)
  [[ -z $pid ]] || exe=$(readlink "/proc/$pid/exe" || true)
  case $exe in
    '') echo nobody ;;
    "$OVN_PREFIX"*) echo "another cloud" ;;
    *) echo "a stranger" ;;
  esac
}

# What a part is started from, as text: when it changes, the part has to be started anew.
ovn_fingerprint() {
  local files=("$OVN_PREFIX/stamp" "$OVN_PREFIX/bin/serve")
  ! has_systemd || files+=("/etc/systemd/system/$1.service")
  sha256sum "${files[@]}"
  ovn_value STATE_DIR
  [[ $1 != lodge-ovs-vswitchd ]] || ovn_value DATAPATH
}

ensure_ovn_part() {
  local name=lodge-$1 fingerprint
  ! has_systemd || install_unit "$name"
  fingerprint=$(ovn_fingerprint "$name")
  if service_runs "$name"; then
    [[ $(cat "$RUN/$name.started-from" 2>/dev/null) != "$fingerprint" ]] || return 0
    step "starting $name anew: its program or configuration has changed" "$(ovn_log "$1")"
    stop_service "$name"
  else
    step "starting $name" "$(ovn_log "$1")"
  fi
  printf '%s\n' "$fingerprint" >"$RUN/$name.started-from"
  if has_systemd; then
    systemctl -q enable "$name.service"
    systemctl restart "$name.service"
  else
    start_process "$name" "$OVN_PREFIX/bin/serve" --config "$CONFIG/ovn.conf" keep "$1"
  fi
}

# ensure_ovs DATAPATH POOL: the local switch, with the bridge to the outside.
ensure_ovs() {
  OVS_OWNER=$(who_runs_ovs)
  case $OVS_OWNER in
    "a stranger") fail "an Open vSwitch of this machine's own runs; Lodge brings another: stop that one (apt-get remove openvswitch-switch)" ;;
    "another cloud") say "another cloud on this machine has Open vSwitch and OVN: guests of this one run without a network"; return ;;
  esac
  configure_ovn "$@"
  ensure_ovn_part ovs-db
  ensure_ovn_part ovs-vswitchd
  DOING="setting Open vSwitch up" DOING_LOG=$(ovn_log ovs-vswitchd)
  serve_ovn configure
  say "Open vSwitch uses the datapath '$(serve_ovn probe)'"
}

# The databases and what works on them; once in a cloud.
ensure_ovn_central() {
  local part
  [[ $OVS_OWNER != "another cloud" ]] || return 0
  for part in ovn-nb ovn-sb ovn-northd; do ensure_ovn_part "$part"; done
  wait_until 30 "OVN's databases" ovn_central_answers || fail "OVN's databases do not answer"
}

ovn_central_answers() { "$OVN_PREFIX/bin/ovn-nbctl" --timeout=3 --wait=sb sync 2>/dev/null; }

sbctl() { "$OVN_PREFIX/bin/ovn-sbctl" --timeout=10 "$@"; }

# listen_for_chassis ADDRESS: other hosts get in where their agents do, and as those do: with lodged's certificates, each
# under its own ID, which OVN lets change its own rows alone. A loopback address lets nobody in.
listen_for_chassis() {
  local wanted=
  [[ $OVS_OWNER != "another cloud" ]] || return 0
  [[ $1 == 127.* || $1 == *::1* ]] || wanted="pssl:$OVN_SB_PORT:$1"
  [[ $(sbctl --bare --columns=target list Connection) != "$wanted" ]] || return 0
  if [[ -z $wanted ]]; then
    sbctl del-connection -- del-ssl
  else
    sbctl set-ssl "$STATE/pki/server.key" "$STATE/pki/server.pem" "$STATE/pki/ca.pem" -- \
      --inactivity-probe=30000 set-connection role=ovn-controller "$wanted"
  fi
}

# ensure_chassis REMOTE TARGET: this machine, which has joined, as a chassis of the OVN at REMOTE (unix:… or ssl:…).
ensure_chassis() {
  local tls=
  [[ $OVS_OWNER != "another cloud" ]] || return 0
  [[ $1 != ssl:* ]] || tls=$AGENT_STATE
  set_ovn_values SYSTEM_ID "$(host_id)" REMOTE "$1" TLS_DIR "$tls" ENCAP_IP "$(encap_address "$2")"
  serve_ovn configure
  ensure_ovn_part ovn-controller
  [[ $1 != ssl:* || $(serve_ovn probe) == system ]] ||
    say "without the kernel's openvswitch, tunnels to other hosts take a bridge for them: see $DEPLOY/ovn/README.md"
  wait_until 30 "ovn-controller to reach $1" chassis_is_connected || fail "ovn-controller does not reach $1"
}

chassis_is_connected() {
  [[ $("$OVN_PREFIX/bin/ovn-appctl" --timeout=3 -t ovn-controller connection-status 2>/dev/null) == connected ]]
}

# --- The end of it -----------------------------------------------------------------------------------------------------

# Guests must have ended: the next switch does not know their ports.
stop_ovn() {
  local at
  [[ $(who_runs_ovs) == us || $(some_ovn_part_runs) == yes ]] || return 0
  if programs_in_use; then
    say "Open vSwitch and OVN serve others than this cloud; leaving them"
    return
  fi
  step "stopping Open vSwitch and OVN" "$(ovn_log ovs-vswitchd)"
  "$OVN_PREFIX/bin/ovn-appctl" --timeout=10 -t ovn-controller exit 2>/dev/null || true
  serve_ovn clear
  for ((at = ${#OVN_PARTS[@]} - 1; at >= 0; at--)); do stop_ovn_part "lodge-${OVN_PARTS[at]}"; done
  find /run/openvswitch /run/ovn -name 'ov*.ctl' -delete # of what was killed
}

some_ovn_part_runs() {
  local part
  for part in "${OVN_PARTS[@]}"; do ! service_runs "lodge-$part" || { echo yes; return; }; done
}

stop_ovn_part() {
  if has_systemd; then
    [[ -e /etc/systemd/system/$1.service ]] || return 0
    systemctl -q disable "$1.service"
  fi
  stop_service "$1"
}

# Programs, units and configuration; the databases go with the cloud's state.
purge_ovn() {
  local part
  [[ $(who_runs_ovs) != us ]] || return 0
  rm -f "$CONFIG/ovn.conf"
  ! has_systemd || for part in "${OVN_PARTS[@]}"; do rm -f "/etc/systemd/system/lodge-$part.service"; done
  [[ $(who_runs_ovs) != "another cloud" ]] || return 0
  forget_vsctl_in_apparmor
  [[ $(readlink "$VSCTL") != "$OVN_PREFIX/bin/ovs-vsctl" ]] || rm "$VSCTL"
  rm -rf --one-file-system "$OVN_PREFIX"
  rmdir "${OVN_PREFIX%/*}" /run/openvswitch /run/ovn 2>/dev/null || true
}

# libvirtd may run programs of /usr/bin, and needs leave for this one.
readonly LIBVIRTD_RULES=/etc/apparmor.d/local/usr.sbin.libvirtd
readonly VSCTL_RULE="  $OVN_PREFIX/bin/ovs-vsctl PUx, # Lodge"

allow_vsctl_in_apparmor() {
  [[ -d ${LIBVIRTD_RULES%/*} && -L $VSCTL ]] || return 0
  ! grep -qxF -- "$VSCTL_RULE" "$LIBVIRTD_RULES" 2>/dev/null || return 0
  printf '%s\n' "$VSCTL_RULE" >>"$LIBVIRTD_RULES"
  reload_libvirtd_rules
}

forget_vsctl_in_apparmor() {
  grep -qxF -- "$VSCTL_RULE" "$LIBVIRTD_RULES" 2>/dev/null || return 0
  grep -vxF -- "$VSCTL_RULE" "$LIBVIRTD_RULES" >"$LIBVIRTD_RULES.new" || true
  cat "$LIBVIRTD_RULES.new" >"$LIBVIRTD_RULES"
  rm "$LIBVIRTD_RULES.new"
  reload_libvirtd_rules
}

reload_libvirtd_rules() {
  [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]] || return 0
  apparmor_parser -r /etc/apparmor.d/usr.sbin.libvirtd || say "AppArmor did not take the rule in $LIBVIRTD_RULES"
}
