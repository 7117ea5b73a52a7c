#!/bin/sh
# First process of a node's namespaces: makes the file system that the node sees, then collects orphans until SIGTERM. Its
# end is the end of every process of the node.
#
#   sandbox-init.sh DIRECTORY HOSTNAME [FROM TO]...
#
# What the node keeps on disk is in DIRECTORY/node. Each folder FROM of the machine appears at TO. Everything else is as the
# machine has it (/tmp, /root, ...), but /run is empty, and what is written below /etc, /var/lib and /var/log stays in
# these namespaces. Makes DIRECTORY/ready when it is done.
set -eu
trap 'exit 0' TERM
directory=$1
hostname=$2
shift 2

mount --make-rprivate /
echo "$hostname" >/proc/sys/kernel/hostname
echo 1 >/proc/sys/net/ipv4/ip_forward

# overlayfs, which containerd uses, cannot write to overlayfs; then the node lives in memory.
mkdir -p "$directory/node"
if [ "$(stat --file-system --format=%T "$directory")" = overlayfs ]; then mount -t tmpfs tmpfs "$directory/node"; fi

mount -t tmpfs -o mode=755 tmpfs /run
for folder in /etc /var/lib /var/log; do
  mkdir -p "/run/overlay$folder/upper" "/run/overlay$folder/work"
  mount -t overlay -o "lowerdir=$folder,upperdir=/run/overlay$folder/upper,workdir=/run/overlay$folder/work" overlay "$folder"
done

# kubelet measures the disk below its folder, which it cannot do through an overlay.
mkdir -p "$directory/node/kubelet" /var/lib/kubelet
mount --bind "$directory/node/kubelet" /var/lib/kubelet

# No name server: a query that nobody answers would hold up image pulls for a minute.
rm -f /etc/resolv.conf
: >/etc/resolv.conf

# kubelet wants these values of the whole machine and would set them. It reads them here instead.
pretend() {
  mkdir -p "$(dirname "/run/sysctl/$1")"
  echo "$2" >"/run/sysctl/$1"
  mount --bind "/run/sysctl/$1" "/proc/sys/$1"
}
pretend vm/overcommit_memory 1
pretend vm/panic_on_oom 0
pretend kernel/panic 10
pretend kernel/panic_on_oops 1
pretend kernel/keys/root_maxkeys 1000000
pretend kernel/keys/root_maxbytes 25000000

# Pods must not change the memory of the machine by accident.
memory=/sys/devices/system/memory
if [ -d "$memory" ]; then
  mount --bind "$memory" "$memory"
  mount -o remount,bind,ro "$memory"
fi
while [ $# -gt 0 ]; do
  mkdir -p "$2"
  mount --bind "$1" "$2"
  shift 2
done
# As on a real node: volumes with mount propagation need it.
mount --make-rshared /

: >"$directory/ready"
# wait collects every child, those included that were left behind by others.
while :; do
  sleep 2147483647 &
  wait
done
