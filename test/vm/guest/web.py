"""A web server in one process: web.py NAME answers every request with its name and the client's address."""
import select
import socket
import sys

name = sys.argv[1].encode()
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", 80))
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
