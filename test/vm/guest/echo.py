"""Answers on TCP ports 80 to 90 and UDP port 5353, over IPv4 and IPv6: echo.py NAME VIP says its name, the port it was
asked at, and the address of who asks. What comes to the VIP by UDP is answered from there."""
import select
import socket
import sys

name, vip = sys.argv[1:]
poll = select.poll()
listeners = {}
places = [(socket.SOCK_STREAM, "::", port) for port in range(80, 91)]
places += [(socket.SOCK_DGRAM, "::", 5353), (socket.SOCK_DGRAM, f"::ffff:{vip}", 5353)]
for kind, place, port in places:
    listener = socket.socket(socket.AF_INET6, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
