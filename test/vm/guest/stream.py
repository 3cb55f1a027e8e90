"""A web server whose answers take long: stream.py NAME. A request for /N on port 80 or 8080 is answered with N lines of its
name and the client's address, one each 200 ms; / with one, /0 until there is a file /run/enough."""
import itertools
import os
import socket
import sys
import threading
import time

name = sys.argv[1]


def serve(client, address):
    try:
        path = client.recv(4096).split()[1].decode()
        client.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        lines = int(path[1:] or 1)
        for number in range(lines) if lines > 0 else itertools.count():
            if lines == 0 and os.path.exists("/run/enough"):
                break
            client.sendall(f"{name} {address} {number}\n".encode())
            time.sleep(0.2)
    except (OSError, IndexError, ValueError):
        pass
    client.close()


def listen(port):
    with socket.create_server(("", port), backlog=64) as listener:
        while True:
            connection, (peer, _) = listener.accept()
            threading.Thread(target=serve, args=(connection, peer), daemon=True).start()


threading.Thread(target=listen, args=(8080,), daemon=True).start()
listen(80)
