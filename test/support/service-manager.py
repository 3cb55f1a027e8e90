"""A service manager as far as sd_notify(3), sd_listen_fds(3) and the store for file descriptors go.

usage: service-manager.py SOCKET COMMAND...
Starts the command, prints every word that it says, and obeys one word a line in the pipe SOCKET.orders: `restart` stops
it and starts it again with what it has stored, `crash` kills it first, `add` puts a listening socket of nobody's plan
into the store, `stop` ends. The names in the store are in the file SOCKET.stored.
"""
import os
import selectors
import signal
import socket
import sys

path, command = sys.argv[1], sys.argv[2:]
store = []  # (name, descriptor), in the order of arrival
child = 0


def say(*words):
    print(*words, flush=True)


def start():
    """LISTEN_PID is the child's own, so that the environment is made behind the fork."""
    global child
    child = os.fork()
    if child > 0:
        return
    kept = [os.dup(descriptor) for _, descriptor in store]
    aside = [os.dup2(descriptor, 500 + index) for index, descriptor in enumerate(kept)]
    for index, descriptor in enumerate(aside):
        os.dup2(descriptor, 3 + index, inheritable=True)
    os.closerange(3 + len(store), 1024)
    environment = dict(os.environ, NOTIFY_SOCKET=path)
    if store:
        environment["LISTEN_PID"] = str(os.getpid())
        environment["LISTEN_FDS"] = str(len(store))
        environment["LISTEN_FDNAMES"] = ":".join(name for name, _ in store)
    os.execve(command[0], command, environment)


def stop(number):
    os.kill(child, number)
    _, status = os.waitpid(child, 0)
    say("exited", os.waitstatus_to_exitcode(status))


def hear(notify):
    text, descriptors, _, _ = socket.recv_fds(notify, 4096, 8)
    words = dict(line.split("=", 1) for line in text.decode().split("\n") if "=" in line)
    if words.get("FDSTORE") == "1":
        for descriptor in descriptors:
            store.append((words["FDNAME"], descriptor))
    if words.get("FDSTOREREMOVE") == "1":
        for entry in [entry for entry in store if entry[0] == words["FDNAME"]]:
            os.close(entry[1])
            store.remove(entry)
    for name, value in words.items():
        say(f"{name}={value}")
    if "FDNAME" in words:
        # Whole at every moment, which a line among those of the command is not.
        with open(f"{path}.new", "w") as names:
            names.write(" ".join(sorted(name for name, _ in store)))
        os.replace(f"{path}.new", f"{path}.stored")


def obey(word, notify):
    if word == "restart" or word == "crash":
        stop(signal.SIGTERM if word == "restart" else signal.SIGKILL)
        while drain(notify):
            pass
        say("starts with", len(store))
        start()
    elif word == "add":
        stray = socket.create_server(("127.0.0.1", 0))
        store.append(("stray", os.dup(stray.fileno())))
        say("added", stray.getsockname()[1])
    else:
        stop(signal.SIGTERM)
        sys.exit(0)


def drain(notify):
    ready = selectors.DefaultSelector()
    ready.register(notify, selectors.EVENT_READ)
    if not ready.select(0):
        return False
    hear(notify)
    return True


def main():
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(path)
    os.mkfifo(f"{path}.orders")
    # Open for writing, too: it does not end with the first who writes.
    orders = os.fdopen(os.open(f"{path}.orders", os.O_RDWR), "rb", buffering=0)
    events = selectors.DefaultSelector()
    events.register(notify, selectors.EVENT_READ)
    events.register(orders, selectors.EVENT_READ)
    start()
    while True:
        for key, _ in events.select():
            if key.fileobj is notify:
                hear(notify)
            else:
                obey(orders.readline().decode().strip(), notify)


main()
