#!/bin/bash
# Makes the network of the DR tests in the guest: load balancers lb1 and lb2, web servers rs1 and rs2, and a client,
# as namespaces on one bridge, 10.99.0.0/24.
set -e
modprobe -a bridge veth
ip link add br0 type bridge mcast_snooping 0 forward_delay 0
ip link set br0 up
host() {
  ip netns add "$1"
  ip link add "port-$1" type veth peer name eth0 netns "$1"
  ip link set "port-$1" master br0 up
  ip -n "$1" link set lo up
  ip -n "$1" address add "$2/24" dev eth0
  ip -n "$1" link set eth0 up
}
host lb1 10.99.0.11
host lb2 10.99.0.12
host rs1 10.99.0.21
host rs2 10.99.0.22
host client 10.99.0.99
