"""Asks ADDRESS PORT once, prints the first word of the answer, and resets the connection, so that a
director keeps it for seconds and not for minutes."""
import socket
import struct
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2])), 30) as connection:
    connection.sendall(b"GET /1 HTTP/1.0\r\n\r\n")
    text = b""
    while piece := connection.recv(4096):
        text += piece
        if b"\n" in text.partition(b"\r\n\r\n")[2]:
            break
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
print(text.partition(b"\r\n\r\n")[2].split()[0].decode())
