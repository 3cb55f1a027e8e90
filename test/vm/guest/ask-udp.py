"""Sends datagrams to ADDRESS PORT, COUNT of them from one socket, and prints each answer."""
import socket
import sys

address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(30)
    asking.connect((address, port))
    for _ in range(count):
        asking.send(b"hello")
        print(asking.recv(4096).decode())
