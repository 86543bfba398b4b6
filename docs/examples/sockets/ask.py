#!/usr/bin/env python3
"""A client of the square root server in docs/handbook/sockets.md. Requests and replies are lines of JSON.

    ask.py SOCKET NUMBER...    asks for the square root of each number and prints it
"""
import json
import socket
import sys


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    path, *numbers = arguments
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        with connection.makefile("rw") as lines:
            for number in numbers:
                print(json.dumps({"number": float(number)}), file=lines, flush=True)
                reply = lines.readline()
                if not reply:
                    sys.exit("The server has closed the connection.")
                print(json.loads(reply)["root"])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"ask.py: {error}")
