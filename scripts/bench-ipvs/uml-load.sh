#!/bin/bash
# In user-mode Linux: one daemon before the kernel's empty table, with a file that is changed once.
# usage: uml-load.sh FOLDER NAME PLACE COMMAND...; FOLDER has the modules' paths in their order, and NAME.1 and NAME.2;
# PLACE is the last server as the kernel lists it. Prints one line for each load: NAME WORD MS, and the processes' times.
set -eu
folder=$1 name=$2 place=$3
shift 3
xargs -n 1 insmod <"$folder/modules"
mkdir /run/bench
# From memory, as a program that has run before is.
cp "$1" /run/bench/program
cp "$folder/$name.1" "/run/bench/$name"
shift
/run/bench/program --version >/dev/null 2>&1
ticks() { # of a process and those it has started: user and system time in 10 ms
  local pid total=(0 0) times
  for pid in "$1" $(<"/proc/$1/task/$1/children"); do
    read -ra times <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
    total=($((total[0] + times[11])) $((total[1] + times[12])))
  done
  echo "${total[@]}"
}
until_there() { # word, since when, weight of the last server
  local tries=0
  until grep -qE -- "-> $place +Route +$3 " /proc/net/ip_vs; do
    [ $((++tries)) -lt 400 ] && kill -0 "$daemon" || { tail -n 20 /run/bench/log; return 1; }
    sleep 0.25
  done
  echo "$name $1 $(((${EPOCHREALTIME/./} - $2) / 1000)) $(grep -c '^  -> [0-9A-F]' /proc/net/ip_vs) $(ticks "$daemon")"
}
start=${EPOCHREALTIME/./}
/run/bench/program "$@" >/run/bench/log 2>&1 </dev/null &
daemon=$!
until_there first "$start" 1
sleep 12
before=$(ticks "$daemon")
cp "$folder/$name.2" "/run/bench/$name"
start=${EPOCHREALTIME/./}
kill -HUP "$daemon"
until_there "reload-after-${before/ /+}" "$start" 2
