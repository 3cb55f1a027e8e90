#!/bin/bash
# Makes the network of the forwarding tests in the guest: the balancer lb1 between a client (10.99.0.0/24) and two
# servers (10.98.0.0/24) whose gateway it is. What the servers send from a VIP goes to the client directly. A third one
# knows its own network only.
set -e
modprobe -a bridge veth sctp ipip sit ip_gre ip6_tunnel ip6_gre fou fou6 act_skbedit cls_u32 sch_ingress
for bridge in outside inside; do
  ip link add "$bridge" type bridge mcast_snooping 0 forward_delay 0
  ip link set "$bridge" up
done
host() {
  ip netns add "$1"
  ip -n "$1" link set lo up
}
plug() { # host, interface, bridge, addresses...
  local host=$1 interface=$2 bridge=$3
  shift 3
  ip link add "$interface-$host" type veth peer name "$interface" netns "$host"
  ip link set "$interface-$host" master "$bridge" up
  for address in "$@"; do ip -n "$host" address add "$address" dev "$interface" nodad; done
  ip -n "$host" link set "$interface" up
}
host lb1
plug lb1 eth0 outside 10.99.0.11/24 2001:db8:99::11/64
plug lb1 eth1 inside 10.98.0.1/24 2001:db8:98::1/64
host client
plug client eth0 outside 10.99.0.99/24 2001:db8:99::99/64
ip -n client -6 route add 2001:db8:98::/64 via 2001:db8:99::11
for number in 1 2; do
  server=rs$number
  host $server
  plug $server eth0 inside 10.98.0.2$number/24 2001:db8:98::2$number/64
  # An address without a network: what asks for the client by ARP there would otherwise give the VIP for its own.
  plug $server eth1 outside 10.99.0.2$number/32
  ip -n $server route add default via 10.98.0.1
  ip -n $server -6 route add default via 2001:db8:98::1
  ip -n $server rule add from 10.99.0.101 lookup 100
  ip -n $server route add 10.99.0.0/24 dev eth1 table 100
  ip netns exec $server sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  ip -n $server address add 10.99.0.101/32 dev lo
  ip -n $server -6 rule add from 2001:db8:99::101 lookup 100
  ip -n $server -6 route add 2001:db8:99::/64 dev eth1 table 100
  ip -n $server address add 2001:db8:99::101/128 dev lo nodad
  for device in tunl0 sit0 gre0; do
    ip netns exec $server sysctl -qw net.ipv4.conf.$device.rp_filter=0
    ip -n $server link set $device up
  done
  ip -n $server fou add port 5555 gue
  ip -n $server -6 fou add port 5555 gue
  # The kernel's own ip6tnl0 takes IPv6 alone; these take everything.
  for kind in ip6tnl ip6gre; do
    ip -n $server link add from-$kind type $kind external
    ip -n $server link set from-$kind up
  done
  setsid ip netns exec $server python3 /share/guest/echo.py $server 10.98.0.2$number 10.99.0.101 >/run/echo-$server.log 2>&1 &
  echo $! >/run/echo-$server.pid
done
echo up >/run/word
setsid ip netns exec rs1 python3 /share/guest/agent.py /run/word >/run/agent-rs1.log 2>&1 &
host rs3
plug rs3 eth0 inside 10.98.0.23/24 2001:db8:98::23/64
setsid ip netns exec rs3 python3 /share/guest/echo.py rs3 10.98.0.23 >/run/echo-rs3.log 2>&1 &
