"""Reads half of an answer fast, then for five seconds 20 kB ten times a second, then as much as the answer is long; prints how much it was.

usage: slow-reader.py PORT "clear text"|TLS|HTTP/2
"""

import socket
import ssl
import sys
import time

connection = socket.socket()
# With more room the system here would tell of what was read in larger steps.
connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)
connection.connect(("127.0.0.1", int(sys.argv[1])))
if sys.argv[2] == "TLS":
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = context.wrap_socket(connection)
if sys.argv[2] == "HTTP/2":
    # Settings and a window that never end the reading, and GET /many as literal fields.
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    connection.sendall(b"\0\0\6\4\0\0\0\0\0" + b"\0\4\x40\0\0\0")
    connection.sendall(b"\0\0\4\x08\0\0\0\0\0" + b"\x40\0\0\0")
    fields = b"\x82\x86\x04\x05/many\x01\x01a"
    connection.sendall(b"\0\0" + bytes([len(fields)]) + b"\1\5\0\0\0\1" + fields)
else:
    connection.sendall(b"GET /many HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

total = 0


def read(most):
    """Reads up to so many bytes; gives whether there were any."""
    global total
    try:
        got = len(connection.recv(most))
    except OSError:
        got = 0
    total += got
    return got > 0


while total < 16 * 1024**2 and read(65536):
    pass
for _ in range(50):
    before = total
    while total < before + 20_000 and read(before + 20_000 - total):
        pass
    time.sleep(0.1)
while total <= 32 * 1024**2 and read(65536):
    pass
print(total)
