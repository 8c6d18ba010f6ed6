# The removal of what deploy/up made, name by name, so that nothing else goes. Sourced, never run; needs libvirt.bash and ovn.bash.

# Programs, units and the configuration: once for a machine, so not while another cloud on it uses them.
purge_machine() {
  local name
  step "removing programs and configuration"
  forget_in_apparmor
  purge_ovn
  rm -f "$CONFIG/lodged.toml" "$CONFIG/lodge-agent.toml"
  rmdir "$CONFIG" 2>/dev/null || true
  if has_systemd; then
    rm -f /etc/systemd/system/lodged.service /etc/systemd/system/lodge-agent.service
    systemctl daemon-reload
  fi
  if programs_in_use; then
    say "another cloud on this machine runs from $BIN; leaving the programs"
    return
  fi
  for name in lodged lodge-agent lodge; do rm -f "$BIN/$name"; done
  rm -f "$SHARE/instance_types.toml" "$COMPLETION"
  rmdir "$SHARE" "${COMPLETION%/*}" "${COMPLETION%/*/*}" 2>/dev/null || true
}

purge_state() {
  local folders=(agent build-images images log pki)
  step "removing what is in $STATE"
  [[ $(who_runs_ovs) == us ]] || folders+=(ovn run)
  (
    cd "$STATE"
    rm -rf --one-file-system "${folders[@]}"
    rm -f env join-token lodge.db lodge.db-journal lodge.db-shm lodge.db-wal lodge.db.lock lodged.sock master.key
    [[ $CONFIG != "$STATE/config" ]] || rmdir config 2>/dev/null || true
  )
  rmdir "$STATE" 2>/dev/null || say "left in $STATE: $(ls -A "$STATE" 2>/dev/null | xargs)"
  say "removed; Debian's packages stay installed"
}
