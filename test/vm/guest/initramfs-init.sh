#!/bin/sh
# First process of a test guest: puts a throw-away layer over the read-only root file system and enters it.
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t devtmpfs devices /dev
for module in $($busybox cat /modules/order); do $busybox insmod "/modules/$module"; done
options=trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro
$busybox mount -t 9p -o $options root /lower || exec $busybox poweroff -f
$busybox mount -t tmpfs upper /upper
$busybox mkdir /upper/upper /upper/work
$busybox mount -t overlay -o lowerdir=/lower,upperdir=/upper/upper,workdir=/upper/work root /new
$busybox mount -t 9p -o $options share /new/share
$busybox umount /proc
$busybox mount --move /dev /new/dev
exec $busybox switch_root /new /bin/bash /share/guest/init.sh
