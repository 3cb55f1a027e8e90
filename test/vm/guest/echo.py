"""Answers on TCP ports 80 to 99 and UDP port 5353, over IPv4 and IPv6, and on SCTP port 3868 of its address: echo.py NAME
ADDRESS [VIP] says its name, the port it was asked at, and the address of who asks. What comes to the VIP by UDP is answered
from there."""
import select
import socket
import sys

name, own, *vips = sys.argv[1:]
sctp = 132
poll = select.poll()
listeners = {}
places = [(socket.SOCK_STREAM, "::", port) for port in range(80, 100)]
places += [(socket.SOCK_DGRAM, place, 5353) for place in ["::", *(f"::ffff:{vip}" for vip in vips)]]
sockets = [(socket.socket(socket.AF_INET6, kind), kind, place, port) for kind, place, port in places]
# An association knows all addresses that its socket is bound to: here it is to be one.
sockets.append((socket.socket(socket.AF_INET, socket.SOCK_STREAM, sctp), socket.SOCK_STREAM, own, 3868))
for listener, kind, place, port in sockets:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind((place, port))
    if kind == socket.SOCK_STREAM:
        listener.listen(64)
    poll.register(listener, select.POLLIN)
    listeners[listener.fileno()] = (listener, kind, port)
while True:
    for descriptor, _ in poll.poll():
        listener, kind, port = listeners[descriptor]
        if kind == socket.SOCK_DGRAM:
            _, address = listener.recvfrom(4096)
            listener.sendto(f"{name} {port} {address[0]}".replace("::ffff:", "").encode(), address)
            continue
        client, address = listener.accept()
        try:
            client.settimeout(2)
            if client.recv(4096):
                body = f"{name} {port} {address[0]}\n".replace("::ffff:", "")
                client.sendall(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        except OSError:
            pass
        client.close()
