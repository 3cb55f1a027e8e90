#!/bin/bash
# Runs in the guest once its root file system is there. Brings up what a system has, then becomes the agent that runs what
# the tests send; or, with `edge-ha.systemd` on the kernel's command line, leaves both to systemd as on any machine.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
mount -t proc proc /proc
if grep -qw edge-ha.systemd /proc/cmdline; then
  cp /share/guest/agent.service /etc/systemd/system/
  systemctl --root=/ --quiet enable agent.service
  echo 0123456789abcdef0123456789abcdef >/etc/machine-id
  exec /lib/systemd/systemd
fi
mount -t sysfs sys /sys
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=755 state /var/lib
ip link set lo up
exec bash /share/guest/agent.sh
