#!/bin/bash
# Makes the network of the published set-ups in the guest: a balancer lb with an interface of every name they use, one
# machine `web` with the addresses of all web servers, and a client with an address in each network, on one bridge.
# usage: published.sh SETUP...; a set-up is a text of words name=value: lb=INTERFACE:ADDRESS, web=ADDRESS, client=ADDRESS,
# vip=ADDRESS (carried by web for direct routing), behind=NETWORK@GATEWAY (web answers from there through the gateway).
set -e
modprobe -a bridge veth
ip link add wire type bridge mcast_snooping 0 forward_delay 0
ip link set wire up
plug() { # host, interface
  ip link add "$1-$2" type veth peer name "$2" netns "$1"
  ip link set "$1-$2" master wire up
  ip -n "$1" link set "$2" up
}
for host in lb web client; do
  ip netns add $host
  ip -n $host link set lo up
done
for interface in eth0 eth1 eth2 ens3 ens4 ens32; do plug lb $interface; done
plug web eth0
plug client eth0
# All networks are one wire here: an interface answers for its own addresses only.
for host in lb web; do
  ip netns exec $host sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
done
ip netns exec web sysctl -qw net.ipv4.conf.eth0.rp_filter=0
for word in "$@"; do
  value=${word#*=}
  case $word in
    lb=*) ip -n lb address add "${value#*:}" dev "${value%%:*}" ;;
    web=*) ip -n web address add "$value" dev eth0 ;;
    client=*) ip -n client address add "$value" dev eth0 ;;
    vip=*) ip -n web address add "$value/32" dev lo ;;
    behind=*)
      ip -n web rule add from "${value%@*}" lookup 100
      ip -n web route add "${value%@*}" dev eth0 table 100
      ip -n web route add default via "${value#*@}" dev eth0 table 100
      ;;
  esac
done
setsid ip netns exec web python3 /share/guest/web.py web >/run/web.log 2>&1 &
