#!/usr/bin/env python3
"""Asks the server of docs/handbook/sockets.md for square roots, in lines of JSON: ask.py SOCKET NUMBER..."""
import json
import socket
import sys

with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    with connection.makefile("rw") as lines:
        for number in sys.argv[2:]:
            print(json.dumps({"number": float(number)}), file=lines, flush=True)
            print(json.loads(lines.readline())["root"])
