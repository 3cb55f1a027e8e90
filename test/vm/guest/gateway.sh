#!/bin/bash
# Makes the network of the tests of two directors in the guest: lb1 and lb2 between the client's network (10.99.0.0/24)
# and the servers' (10.98.0.0/24), whose gateway is 10.98.0.1. The servers are in the client's network too: for direct
# routing. usage: gateway.sh [HOST]; with a host, that one is made anew.
set -e
host() {
  ip netns add "$1"
  ip -n "$1" link set lo up
}
plug() { # host, interface, bridge, address
  # A host of this name that was deleted takes its plugs with it a little later.
  while [ -e "/sys/class/net/$2-$1" ]; do sleep 0.1; done
  ip link add "$2-$1" type veth peer name "$2" netns "$1"
  ip link set "$2-$1" master "$3" up
  ip -n "$1" address add "$4" dev "$2"
  ip -n "$1" link set "$2" up
}
balancer() {
  host "lb$1"
  plug "lb$1" eth0 outside "10.99.0.1$1/24"
  plug "lb$1" eth1 inside "10.98.0.1$1/24"
}
server() {
  local name=rs$1
  host "$name"
  plug "$name" eth0 inside "10.98.0.2$1/24"
  plug "$name" eth1 outside "10.99.0.2$1/24"
  ip -n "$name" route add default via 10.98.0.1
  # What goes out from the inside address takes the gateway, also to a client that is a neighbour.
  ip -n "$name" route add 10.98.0.0/24 dev eth0 table 100
  ip -n "$name" route add default via 10.98.0.1 table 100
  ip -n "$name" rule add from 10.98.0.0/24 lookup 100
  ip netns exec "$name" sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 \
    net.ipv4.conf.eth1.rp_filter=0
  for vip in 10.99.0.101 10.99.0.102; do ip -n "$name" address add $vip/32 dev lo; done
  setsid ip netns exec "$name" python3 /share/guest/stream.py "$name" >"/run/stream-$name.log" 2>&1 &
}
case ${1-} in
  lb?) balancer "${1#lb}" ;;
  *)
    modprobe -a bridge veth
    for bridge in outside inside; do
      ip link add $bridge type bridge mcast_snooping 0 forward_delay 0
      ip link set $bridge up
    done
    balancer 1
    balancer 2
    server 1
    server 2
    host client
    plug client eth0 outside 10.99.0.99/24
    setsid ip netns exec client python3 /share/guest/web.py client >/run/web-client.log 2>&1 &
    ;;
esac
