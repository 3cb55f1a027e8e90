# half-close-client.py PORT BYTES: sends BYTES bytes, ends its half, reads late and slowly what an echo gives back,
# and prints how much came and how the connection ended.
import socket
import sys
import threading
import time

port, size = int(sys.argv[1]), int(sys.argv[2])
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
client.settimeout(20)
client.connect(("127.0.0.1", port))


def send():
    client.sendall(b"z" * size)
    client.shutdown(socket.SHUT_WR)


sender = threading.Thread(target=send)
sender.start()
time.sleep(1)
received, end = 0, "end"
try:
    while data := client.recv(16384):
        received += len(data)
except OSError as error:
    end = str(error)
sender.join()
print(received, end)
