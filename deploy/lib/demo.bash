# What a user would do first, with the stock client: a guest, its console, its end. Sourced, never run; needs cloud.bash.

readonly DEMO_TYPE=t3.micro

# Debian's client with the account of the env file and nothing of the caller's own settings. The file may be the
# caller's, who is not root: it is read, never run. A certificate is for the names that others use, not for 127.0.0.1.
ec2() {
  env -i PATH="$PATH" AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER= PYTHONWARNINGS=ignore \
    AWS_ACCESS_KEY_ID="$(env_value AWS_ACCESS_KEY_ID)" AWS_SECRET_ACCESS_KEY="$(env_value AWS_SECRET_ACCESS_KEY)" \
    AWS_DEFAULT_REGION="$(env_value AWS_DEFAULT_REGION)" AWS_EC2_METADATA_DISABLED=true \
    /usr/bin/aws --endpoint-url "$(endpoint)" --no-verify-ssl --output text ec2 "$@"
}

instance_state() { ec2 describe-instances --instance-ids "$1" --query 'Reservations[].Instances[].State.Name'; }

# reaches INSTANCE STATE: also true, to be looked at by the caller, when it can no longer come to that.
reaches() {
  DEMO_STATE=$(instance_state "$1") || return 1
  [[ $DEMO_STATE == "$2" || $DEMO_STATE == terminated || $DEMO_STATE == stopped ]]
}

# wait_for_state INSTANCE STATE SECONDS
wait_for_state() {
  wait_until "$3" "$1 to be $2" reaches "$1" "$2" && [[ $DEMO_STATE == "$2" ]] && return
  demo_failed "$1" "it is ${DEMO_STATE:-in no state} instead of $2"
}

# The guest's own words: kernel up, its ID known to it, ready.
console_is_complete() {
  CONSOLE=$(ec2 get-console-output --latest --instance-id "$1" --query Output | tr -d '\r') || return 1
  grep -q "Linux version" <<<"$CONSOLE" && grep -q "lodge-tiny: instance-id $1\$" <<<"$CONSOLE" &&
    grep -q "lodge-tiny: ready" <<<"$CONSOLE"
}

demo_failed() {
  printf '\nThe demo'"'"'s instance %s: %s. What happened to it:\n' "$1" "$2" >&2
  lodge events "$1" >&2 || true
  [[ -z ${CONSOLE:-} ]] || { printf 'The end of its console:\n' && tail -n 5 <<<"$CONSOLE"; } >&2
  fail "the demo failed; the instance is left for you to look at"
}

demo() {
  local id
  step "demo: aws ec2 run-instances --image-id $IMAGE_ID --instance-type $DEMO_TYPE" "$(service_log lodge-agent)"
  if ! id=$(ec2 run-instances --image-id "$IMAGE_ID" --instance-type "$DEMO_TYPE" --query 'Instances[0].InstanceId' 2>"$LOG/demo.log"); then
    grep -q InsufficientInstanceCapacity "$LOG/demo.log" || { cat "$LOG/demo.log" >&2; fail "the demo's instance was refused"; }
    say "no demo, for want of room: $(last_line "$LOG/demo.log")"
    return 0
  fi
  wait_for_state "$id" running 120
  step "demo: $id is running; aws ec2 get-console-output --instance-id $id --latest" "$(service_log lodge-agent)"
  wait_until 120 "the guest's words on its console" console_is_complete "$id" || demo_failed "$id" "its console is not complete"
  grep -E "Linux version|^lodge-tiny:" <<<"$CONSOLE" | cut -c 1-110 | sed 's/^/    | /'
  step "demo: aws ec2 terminate-instances --instance-ids $id" "$(service_log lodge-agent)"
  ec2 terminate-instances --instance-ids "$id" >/dev/null
  wait_for_state "$id" terminated 120
  say "demo: $id is terminated"
}

state_option() { [[ $STATE == "$DEFAULT_STATE" ]] || printf ' --state-dir %s' "$STATE"; }

say_what_next() {
  cat <<TEXT

Lodge is up. What to type next:

  . $ENV_FILE
  aws --endpoint-url \$LODGE_ENDPOINT ec2 create-key-pair --key-name me --query KeyMaterial --output text > me.pem
  aws --endpoint-url \$LODGE_ENDPOINT ec2 run-instances --image-id ${IMAGE_ID} --instance-type $DEMO_TYPE --key-name me --count 2
  aws --endpoint-url \$LODGE_ENDPOINT ec2 wait instance-running --instance-ids i-…
  aws --endpoint-url \$LODGE_ENDPOINT ec2 get-console-output --instance-id i-… --output text --latest
  ${SUDO_UID:+sudo }lodge$(state_option) host list
  $DEPLOY/down$(state_option)
TEXT
}
