"""Asks once for each Call-ID, from another port each time, and prints the answers: ask-sip.py ADDRESS PORT CALL-ID..."""

import socket
import sys

place = (sys.argv[1], int(sys.argv[2]))
for call in sys.argv[3:]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(30)
        client.connect(place)
        client.send(f"OPTIONS sip:a@example SIP/2.0\r\nVia: SIP/2.0/UDP b.example\r\nCall-ID: {call}\r\n\r\n".encode())
        print(client.recv(500).decode().strip())
