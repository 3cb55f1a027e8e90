#!/bin/bash
# First process of a user-mode Linux whose root is the machine's own, read-only: makes what a system has, runs the script that
# the command line of the kernel names (bench=FILE), and ends.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs state /var/lib
mount -o remount,size=1g /run
ip link set lo up
for word in $(</proc/cmdline); do
  case $word in bench=*) bash "${word#bench=}" || echo "uml: failed" ;; esac
done
echo o >/proc/sysrq-trigger
sleep 60
