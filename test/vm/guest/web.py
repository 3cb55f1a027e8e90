"""A web server in one process: web.py NAME [ADDRESS [PORT]] answers every request with its name and the client's address."""
import select
import socket
import sys

name = sys.argv[1].encode()
own = sys.argv[2] if len(sys.argv) > 2 else "0.0.0.0"
listener = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if listener.family == socket.AF_INET6:
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
listener.bind((own, int(sys.argv[3]) if len(sys.argv) > 3 else 80))
listener.listen(256)
poll = select.poll()
poll.register(listener, select.POLLIN)
clients = {}
while True:
    for descriptor, _ in poll.poll():
        if descriptor == listener.fileno():
            client, address = listener.accept()
            clients[client.fileno()] = (client, address[0])
            poll.register(client, select.POLLIN)
            continue
        client, address = clients.pop(descriptor)
        poll.unregister(client)
        try:
            if client.recv(4096):
                body = name + b" " + address.encode() + b"\n"
                client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except OSError:
            pass
        client.close()
