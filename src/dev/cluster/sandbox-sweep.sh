#!/bin/sh
# Removes what a node leaves behind on the machine: its end of the network, its cgroups, its files. Is told of these line by
# line ("process PID", "link NAME", "cgroup FOLDER", "directory FOLDER") and begins at the end of its input: which is the
# end of whoever started it, however that came about. The processes of the node are ended by others.
trap '' INT TERM HUP
process=
link=
cgroups=
directory=
while read -r kind name; do
  case $kind in
    process) process=$name ;;
    link) link=$name ;;
    cgroup) cgroups="$cgroups $name" ;;
    directory) directory=$name ;;
  esac
done

is_swept() {
  ip link delete "$link" 2>/dev/null
  for cgroup in $cgroups; do
    if [ -d "$cgroup" ]; then find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null; fi
    if [ -d "$cgroup" ]; then return 1; fi
  done
  ! kill -0 "$process" 2>/dev/null && rm -rf "$directory" 2>/dev/null
}

# The kernel needs a moment to end a node: all its pods, then its namespaces. 30 s in all.
attempts=300
until is_swept; do
  attempts=$((attempts - 1))
  if [ "$attempts" -eq 0 ]; then exit 1; fi
  sleep 0.1
done
