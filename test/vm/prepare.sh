#!/usr/bin/env bash
# Prepares everything a test guest needs, from the machine's own apt sources: kernel, root file system, initramfs.
# usage: prepare.sh [FOLDER]   (default: $EDGE_HA_VM_CACHE, then /var/tmp/edge-ha-vm); needs root; a second run is free
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(realpath -m "${1:-${EDGE_HA_VM_CACHE:-/var/tmp/edge-ha-vm}}")
packages=iproute2,ipvsadm,curl,python3-minimal,tcpdump,iputils-arping,iputils-ping,procps,kmod,busybox-static,ethtool
export DEBIAN_FRONTEND=noninteractive

# What the result depends on: these scripts and the list of packages. The kernel's version is not part of it,
# so that a cache stays good when Debian publishes the next one.
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
mkdir -p "$work/download" "$work/kernel" "$work/initramfs"
chmod 755 "$cache" "$work"

# 1. The kernel, by its meta package: a glob would fetch every version there is.
kernel=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ { print $2; exit }')
(cd "$work/download" && apt-get download -qq -o APT::Sandbox::User=root "$kernel")
dpkg-deb -x "$work/download/$kernel"_*.deb "$work/kernel"
version=$(ls "$work/kernel/lib/modules")

# 2. The uncompressed kernel: QEMU boots it directly, which saves four seconds of decompression in emulation.
image=$work/kernel/boot/vmlinuz-$version
number() { od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
setup_sectors=$(number "$image" $((0x1f1)) 1)
offset=$(((${setup_sectors/#0/4} + 1) * 512 + $(number "$image" $((0x248)) 4)))
length=$(number "$image" $((0x24c)) 4)
payload() { dd if="$image" iflag=skip_bytes,count_bytes,fullblock bs=1M skip="$offset" count="$1" status=none; }
case $(payload 4 | od -An -t x1 | tr -d ' ') in
  fd377a58) payload "$length" | xz -dcq --single-stream >"$work/vmlinux" ;;
  28b52ffd) payload $((length - 4)) | zstd -dcq >"$work/vmlinux" ;;
  *) echo "prepare.sh: $image is packed in a way this script does not know" >&2; exit 1 ;;
esac

# 3. The guest's root file system, with the modules of its kernel.
mapfile -t sources < <(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u)
mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --include="$packages" bookworm "$work/root" "${sources[@]}" >/dev/null
mkdir -p "$work/root/usr/lib/modules" "$work/root/share"
cp -a "$work/kernel/lib/modules/$version" "$work/root/usr/lib/modules/"
chroot "$work/root" depmod "$version"

# 4. The initramfs: loads virtio, 9p and overlay, then enters the root file system.
mkdir -p "$work"/initramfs/{bin,proc,sys,dev,modules,lower,upper,new}
cp "$work/root/bin/busybox" "$work/initramfs/bin/"
ln -s busybox "$work/initramfs/bin/sh"
install -m 755 "$here/guest/initramfs-init.sh" "$work/initramfs/init"
: >"$work/initramfs/modules/order"
for module in virtio_pci 9pnet_virtio 9p overlay virtio_console; do
  chroot "$work/root" modprobe -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }' |
    while read -r file; do
      name=$(basename "$file")
      [ -e "$work/initramfs/modules/$name" ] && continue
      cp "$work/root$file" "$work/initramfs/modules/"
      echo "$name" >>"$work/initramfs/modules/order"
    done
done
(cd "$work/initramfs" && find . | sort | "$work/root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1n) >"$work/initrd.gz"

rm -rf "$work/download" "$work/kernel" "$work/initramfs" "$cache/root" "$cache/stamp"
mv "$work/root" "$work/vmlinux" "$work/initrd.gz" "$cache/"
rmdir "$work"
echo "$stamp" >"$cache/stamp"
echo "guest is ready in $cache: kernel $version"
