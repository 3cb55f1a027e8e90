#!/bin/bash
# Runs in the guest once its root file system is there: brings up what a system has, then becomes the agent that
# runs what the tests send. One request a line: NUMBER BASE64-OF-A-SCRIPT; one answer a line: NUMBER STATUS
# BASE64-OF-STDOUT BASE64-OF-STDERR, a lone hyphen for none. Requests run side by side.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=755 state /var/lib
ip link set lo up

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
