#!/bin/bash
# Runs in the guest what the tests send. One request a line: NUMBER BASE64-OF-A-SCRIPT; one answer a line: NUMBER STATUS
# BASE64-OF-STDOUT BASE64-OF-STDERR, a lone hyphen for none. Requests run side by side.
port=$(echo /dev/vport*p1)
exec 3<>"$port" 4>/run/agent.lock
encode() { [ -s "$1" ] && base64 -w0 "$1" || printf -- -; }
answer() {
  base64 -d <<<"$2" >"/run/request-$1"
  bash "/run/request-$1" >"/run/stdout-$1" 2>"/run/stderr-$1" </dev/null 3>&- 4>&-
  local status=$?
  flock 4
  echo "$1 $status $(encode "/run/stdout-$1") $(encode "/run/stderr-$1")" >&3
  rm -f "/run/request-$1" "/run/stdout-$1" "/run/stderr-$1"
}
echo "ready $(uname -r)" >&3
while read -r number script <&3; do
  answer "$number" "$script" &
done
busybox poweroff -f
