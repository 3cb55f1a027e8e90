"""Asks ADDRESS PORT by SCTP, COUNT times on an association each, and prints the last line of each answer."""
import socket
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for _ in range(count):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132) as asking:
        asking.settimeout(30)
        asking.connect((address, port))
        asking.sendall(b"hello")
        print(asking.recv(4096).decode().strip().split("\n")[-1])
