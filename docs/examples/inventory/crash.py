#!/usr/bin/env python3
"""Makes IPC objects of several kinds, and waits to be killed before it has removed them, as in a crash.

    crash.py NAME FOLDER    makes shared memory NAME, and in the folder the named pipe NAME and the socket NAME.s
"""
import os
import signal
import socket
import sys
from multiprocessing import resource_tracker, shared_memory


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    name, folder = arguments
    path = os.path.join(folder, name)

    memory = shared_memory.SharedMemory(name, create=True, size=1 << 20)
    # Python's resource tracker would remove the memory after a crash.
    resource_tracker.unregister(memory._name, "shared_memory")

    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)

    # Ctrl+C kills this program too, instead of raising KeyboardInterrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path + ".s")
        server.listen()
        signal.pause()
    os.close(pipe)


if __name__ == "__main__":
    main(sys.argv[1:])
