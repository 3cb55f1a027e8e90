"""Answers on TCP port 9000 with what is in a file, as an agent of HAProxy's does: agent.py FILE"""
import socket
import sys

with socket.create_server(("", 9000), backlog=64) as listener:
    while True:
        client, _ = listener.accept()
        with open(sys.argv[1], "rb") as said:
            client.sendall(said.read())
        client.close()
