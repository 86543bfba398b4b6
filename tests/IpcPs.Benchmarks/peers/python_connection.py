"""python_connection.py oneway|roundtrip COUNT SIZE: multiprocessing.Pipe between two processes, send_bytes and recv_bytes.
Messages a second, or microseconds a round trip."""
import multiprocessing
import sys
import time


def count(connection, messages):
    connection.send_bytes(b"r")
    for _ in range(messages):
        connection.recv_bytes()
    connection.send_bytes(b"d")


def echo(connection, messages):
    connection.send_bytes(b"r")
    for _ in range(messages):
        connection.send_bytes(connection.recv_bytes())


if __name__ == "__main__":
    what, messages, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ours, theirs = multiprocessing.Pipe()
    peer = multiprocessing.Process(target=count if what == "oneway" else echo, args=(theirs, messages))
    peer.start()
    ours.recv_bytes()
    payload = bytes(size)
    start = time.monotonic()
    if what == "oneway":
        for _ in range(messages):
            ours.send_bytes(payload)
        ours.recv_bytes()
        print(messages / (time.monotonic() - start))
    else:
        for _ in range(messages):
            ours.send_bytes(payload)
            ours.recv_bytes()
        print((time.monotonic() - start) * 1e6 / messages)
    peer.join()
