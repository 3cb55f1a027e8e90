#!/usr/bin/env bash
# Prepares everything a test guest needs, from the machine's own apt sources: kernels, root file system, initramfs.
# usage: prepare.sh [FOLDER]   (default: $EDGE_HA_VM_CACHE, then /var/tmp/edge-ha-vm); needs root; a second run is free
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(realpath -m "${1:-${EDGE_HA_VM_CACHE:-/var/tmp/edge-ha-vm}}")
packages=iproute2,ipvsadm,curl,python3-minimal,tcpdump,iputils-arping,iputils-ping,procps,kmod,busybox-static,ethtool,systemd
export DEBIAN_FRONTEND=noninteractive

# What the result depends on: these scripts and the list of packages. The kernels' versions are not part of
# it, so that a cache stays good when Debian publishes the next ones.
stamp=$(cat "$here/prepare.sh" "$here/guest/initramfs-init.sh" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ]; then
  echo "guest is ready in $cache"
  exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ "$(cat "$cache/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

need=()
command -v qemu-system-x86_64 >/dev/null || need+=(qemu-system-x86)
command -v mmdebstrap >/dev/null || need+=(mmdebstrap)
command -v xz >/dev/null || need+=(xz-utils)
command -v zstd >/dev/null || need+=(zstd)
[ -n "$(ls /var/lib/apt/lists/*Packages* 2>/dev/null)" ] || apt-get update -qq
[ ${#need[@]} -eq 0 ] || apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null

work=$cache/new
rm -rf "$work"
mkdir -p "$work/download"
chmod 755 "$cache" "$work"

# 1. The guest's root file system, while the kernels come.
mapfile -t sources < <(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u)
mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --include="$packages" bookworm "$work/root" "${sources[@]}" >/dev/null &
root=$!

# 2. The kernels, each with the modules that a test may want: Debian 12's own, and the newest one that it has as well, for what
# has come into Linux since. Each by its meta package: a glob would fetch every version there is.
modules=(arch crypto 'drivers/char/*.ko*' 'drivers/net/*.ko*' drivers/virtio fs lib net)
number() { od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
take_kernel() { # NAME META-PACKAGE
  local into=$work/kernels/$1 package image setup_sectors offset length
  mkdir -p "$into"
  package=$(apt-cache depends "$2" | awk '/Depends:/ { print $2; exit }')
  (cd "$work/download" && apt-get download -qq -o APT::Sandbox::User=root "$package")
  dpkg-deb --fsys-tarfile "$work/download/$package"_*.deb |
    tar -x -C "$into" --wildcards --no-wildcards-match-slash './boot/vmlinuz-*' './lib/modules/*/modules.*' \
      "${modules[@]/#/./lib/modules/*/kernel/}"
  # QEMU boots the uncompressed kernel directly, which saves four seconds of decompression in emulation.
  image=$(ls "$into"/boot/vmlinuz-*)
  setup_sectors=$(number "$image" $((0x1f1)) 1)
  offset=$(((${setup_sectors/#0/4} + 1) * 512 + $(number "$image" $((0x248)) 4)))
  length=$(number "$image" $((0x24c)) 4)
  payload() { dd if="$image" iflag=skip_bytes,count_bytes,fullblock bs=1M skip="$offset" count="$1" status=none; }
  case $(payload 4 | od -An -t x1 | tr -d ' ') in
    fd377a58) payload "$length" | xz -dcq --single-stream >"$into/vmlinux" ;;
    28b52ffd) payload $((length - 4)) | zstd -dcq >"$into/vmlinux" ;;
    *) echo "prepare.sh: $image is packed in a way this script does not know" >&2; exit 1 ;;
  esac
}
take_kernel debian linux-image-amd64
take_kernel 6.12 linux-image-6.12-amd64
wait "$root"

# 3. An initramfs for each: loads virtio, 9p and overlay, then enters the root file system, which has the modules of all.
mkdir -p "$work/root/usr/lib/modules" "$work/root/share"
make_initramfs() { # NAME
  local into=$work/kernels/$1 version module file name
  version=$(ls "$into/lib/modules")
  mv "$into/lib/modules/$version" "$work/root/usr/lib/modules/"
  chroot "$work/root" depmod "$version"
  mkdir -p "$into"/initramfs/{bin,proc,sys,dev,modules,lower,upper,new}
  cp "$work/root/bin/busybox" "$into/initramfs/bin/"
  ln -s busybox "$into/initramfs/bin/sh"
  install -m 755 "$here/guest/initramfs-init.sh" "$into/initramfs/init"
  : >"$into/initramfs/modules/order"
  for module in virtio_pci 9pnet_virtio 9p overlay virtio_console; do
    chroot "$work/root" modprobe -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }' |
      while read -r file; do
        name=$(basename "${file%.xz}")
        [ -e "$into/initramfs/modules/$name" ] && continue
        case $file in
          *.xz) xz -dc "$work/root$file" >"$into/initramfs/modules/$name" ;;
          *) cp "$work/root$file" "$into/initramfs/modules/" ;;
        esac
        echo "$name" >>"$into/initramfs/modules/order"
      done
  done
  (cd "$into/initramfs" && find . | sort | "$work/root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1n) >"$into/initrd.gz"
  rm -rf "$into/initramfs" "$into/boot" "$into/lib"
  echo "kernel $version"
}
for kernel in debian 6.12; do make_initramfs "$kernel"; done

rm -rf "$work/download" "$cache/root" "$cache/kernels" "$cache/stamp" "$cache/vmlinux" "$cache/initrd.gz"
mv "$work/root" "$work/kernels" "$cache/"
rmdir "$work"
echo "$stamp" >"$cache/stamp"
echo "guest is ready in $cache"
