"""A client that never rests: client.py ADDRESS[:PORT] SECONDS [PATIENCE] opens one connection after the other, one each 20 ms,
says that it has begun with the first answer, and at the end, which SIGTERM brings about sooner, prints who answered, how many
failed (for want of an answer within 0.3 s, or so many), and the longest time without an answer."""
import collections
import signal
import socket
import sys
import time

address, _, port = sys.argv[1].partition(":")
seconds = float(sys.argv[2])
patience = float(sys.argv[3]) if len(sys.argv) > 3 else 0.3
answers = collections.Counter()
failures, longest = 0, 0.0
start = last = time.monotonic()


def end(*_):
    global seconds
    seconds = 0


signal.signal(signal.SIGTERM, end)
while time.monotonic() - start < seconds:
    begin = time.monotonic()
    try:
        with socket.create_connection((address, int(port or 80)), patience) as connection:
            connection.settimeout(patience)
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            text = b""
            while piece := connection.recv(4096):
                text += piece
        if not answers:
            print("begun", flush=True)
        answers[text.split(b"\r\n\r\n")[1].split()[0].decode()] += 1
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    except (OSError, IndexError):
        failures += 1
    time.sleep(max(0.0, 0.02 - (time.monotonic() - begin)))
print("answers", *sorted(answers), "failures", failures, "longest silence in ms", round(longest * 1000))
