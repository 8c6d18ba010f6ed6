# libvirt's daemons, and Lodge's domains in them. Sourced, never run; needs processes.bash.

readonly LIBVIRT_URI=qemu:///system
readonly LIBVIRT_DAEMONS=libvirt-daemons # the name under which we start them
# Of agent/domain/guest_tag.h: the element by which an agent knows its domains.
readonly GUEST_NAMESPACE=https://lodge.invalid/xmlns/guest/1

virsh_quietly() { virsh -q -c "$LIBVIRT_URI" "$@" 2>/dev/null </dev/null; }

libvirt_answers() { virsh_quietly uri >/dev/null; }

# Consoles are written by virtlogd; libvirtd does not start it.
virtlogd_answers() {
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' /run/libvirt/virtlogd-sock 2>/dev/null
}

ensure_libvirt() {
  if libvirt_answers && virtlogd_answers; then
    say "libvirtd and virtlogd run"
  elif has_systemd; then
    step "starting libvirtd" libvirtd.service
    systemctl -q enable --now virtlogd.socket libvirtd.socket libvirtd.service
  else
    step "starting libvirtd" "$LOG/$LIBVIRT_DAEMONS.log"
    start_libvirt
  fi
  wait_until 60 libvirtd libvirt_answers || fail "libvirtd does not answer at $LIBVIRT_URI"
  wait_until 10 virtlogd virtlogd_answers || fail "virtlogd does not answer"
}

# Those of the two that nobody else runs.
start_libvirt() {
  local wanted=()
  stop_process "$LIBVIRT_DAEMONS" 30
  virtlogd_answers || wanted+=(/usr/sbin/virtlogd)
  libvirt_answers || wanted+=(/usr/sbin/libvirtd)
  start_process "$LIBVIRT_DAEMONS" python3 "$DEPLOY/lib/libvirt_daemons.py" "${wanted[@]}"
}

# AppArmor lets libvirt's helper read images by their extensions alone; ours are named by their content.
readonly APPARMOR_RULES=/etc/apparmor.d/local/usr.lib.libvirt.virt-aa-helper
allow_in_apparmor() {
  local rule="  $AGENT_STATE/{disks,images}/* r, # Lodge"
  [[ -d ${APPARMOR_RULES%/*} ]] || return 0
  ! grep -qxF -- "$rule" "$APPARMOR_RULES" 2>/dev/null || return 0
  printf '%s\n' "$rule" >>"$APPARMOR_RULES"
  reload_apparmor
}

forget_in_apparmor() {
  grep -qF -- "  $AGENT_STATE/{disks,images}/*" "$APPARMOR_RULES" 2>/dev/null || return 0
  STATE_RULE="  $AGENT_STATE/{disks,images}/*" awk 'index($0, ENVIRON["STATE_RULE"]) != 1' "$APPARMOR_RULES" >"$APPARMOR_RULES.new"
  cat "$APPARMOR_RULES.new" >"$APPARMOR_RULES"
  rm "$APPARMOR_RULES.new"
  reload_apparmor
}

reload_apparmor() {
  [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]] || return 0
  apparmor_parser -r /etc/apparmor.d/usr.lib.libvirt.virt-aa-helper || say "AppArmor did not take the rule in $APPARMOR_RULES"
}

host_id() { jq -r .host_id "$AGENT_STATE/host.json" 2>/dev/null || true; }

# The domains of this state folder's agent, running or not, a name a line. Nobody else's are ever touched.
our_domains() {
  local host name
  host=$(host_id)
  [[ -n $host ]] || return 0
  for name in $(virsh_quietly list --all --name | grep '^lodge-' || true); do
    ! virsh_quietly metadata "$name" "$GUEST_NAMESPACE" | grep -qE "host=[\"']${host}[\"']" || printf '%s\n' "$name"
  done
}

running_among() { comm -12 <(printf '%s\n' "$@" | sort) <(virsh_quietly list --name | sort) | sed '/^$/d'; }

# What libvirt keeps of domains that are ours; says whether it is worth starting it.
may_have_domains() { [[ -n $(host_id) ]] && grep -qslF "$(host_id)" /etc/libvirt/qemu/lodge-*.xml; }

# stop_guests SECONDS: asks the guests to shut down, and ends those that have not after so long. Then forgets their
# domains: their agent, when it is back, reports them stopped, and does not take it for the guests' own wish, which could
# mean to terminate them. The disks stay; a start defines the domain anew.
stop_guests() {
  local domains name
  mapfile -t domains < <(our_domains)
  ((${#domains[@]})) || return 0
  step "shutting down ${#domains[@]} guests"
  GUESTS=("${domains[@]}") NEXT_ASKING=0
  if ! wait_until "$1" "guests to shut down" guests_are_off; then
    for name in $(running_among "${domains[@]}"); do
      say "$name does not shut down; ending it"
      virsh_quietly destroy "$name" >/dev/null || true
    done
    wait_until 20 "guests to end" guests_are_off || fail "guests still run: $(running_among "${domains[@]}" | xargs)"
  fi
  for name in "${domains[@]}"; do
    virsh_quietly undefine "$name" --managed-save --snapshots-metadata --checkpoints-metadata >/dev/null ||
      fail "libvirt does not undefine $name"
  done
}

# A press on the power button is lost on a guest that still boots, so it is repeated.
guests_are_off() {
  local running name
  mapfile -t running < <(running_among "${GUESTS[@]}")
  ((${#running[@]})) || return 0
  if ((SECONDS >= NEXT_ASKING)); then
    for name in "${running[@]}"; do virsh_quietly shutdown "$name" --mode acpi >/dev/null || true; done
    NEXT_ASKING=$((SECONDS + 5))
  fi
  return 1
}

# Only what we started, and only if no one else needs it.
stop_libvirt() {
  pid_of "$LIBVIRT_DAEMONS" >/dev/null || { rm -f "$RUN/$LIBVIRT_DAEMONS.pid"; return 0; }
  if programs_in_use || [[ -n $(virsh_quietly list --name | sed '/^$/d') ]]; then
    say "libvirtd serves others than this cloud; leaving it"
    return
  fi
  step "stopping libvirtd"
  stop_process "$LIBVIRT_DAEMONS" 30
}
