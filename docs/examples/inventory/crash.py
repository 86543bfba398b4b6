"""A program that uses IPC objects of several kinds and is killed before it can tidy up, as a crash would do it.

python3 crash.py NAME FOLDER: makes shared memory, a named pipe and a socket of that name, says "ready", and waits to be killed.
"""
import os
import signal
import socket
import sys
from multiprocessing import resource_tracker, shared_memory

name, folder = sys.argv[1], sys.argv[2]
memory = shared_memory.SharedMemory(name, create=True, size=1 << 20)
resource_tracker.unregister(memory._name, "shared_memory")  # which would remove the segment for us
os.mkfifo(f"{folder}/{name}")
pipe = os.open(f"{folder}/{name}", os.O_RDWR)
server = socket.socket(socket.AF_UNIX)
server.bind(f"{folder}/{name}.s")
server.listen()
print("ready", flush=True)
signal.pause()
