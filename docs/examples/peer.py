#!/usr/bin/env python3
"""Exchanges objects with IpcPs over named pipes (FIFOs). Needs only Python's standard library.

    peer.py receive FIFO              prints each object that arrives, until the last writer has closed
    peer.py send FIFO NAME=VALUE...   sends one custom object with these properties
    peer.py echo FIFO FIFO            returns each object through the second FIFO, with the type that it had here

This is the part of docs/wire-format.md that a program needs to exchange objects: the envelope with its fragments, and
CBOR with its tags. A value whose tag has no type here is kept as Tagged, so echo returns exactly what it received.
"""
import os
import struct
import sys

MARKER, VERSION, OBJECT = 0xC1, 1, 1
FRAGMENT, CORRELATION = 1, 2
PIPE_BUF = 4096  # the kernel never mixes a write of up to this size with another one
MAX_MESSAGE = 256 * 1024 * 1024
MAX_DEPTH = 64

# Tags that IpcPs uses; 0xC950 and above are its own.
BIGNUM, NEGATIVE_BIGNUM, WTF8 = 2, 3, 273
BAG, NAMED_BAG, OBJECT_COPY, ORDERED = 0xC950, 0xC951, 0xC952, 0xC954
INT64, UINT64 = 0xC965, 0xC966


class Tagged:
    """A value with a tag for which this program has no type."""

    def __init__(self, tag, value):
        self.tag, self.value = tag, value

    def __repr__(self):
        return f"{self.tag}({self.value!r})"


class Bag(dict):
    """A custom object: {name: value}, in order."""


class Pairs(list):
    """A dictionary of IpcPs. It is a list of pairs here, because its keys may have any type."""

    def __repr__(self):
        return "{" + ", ".join(f"{key!r}: {value!r}" for key, value in self) + "}"


# --- CBOR (RFC 8949) ---------------------------------------------------------------------------------------------------

def head(major, number):
    """Returns the first bytes of an item: its type, and a number in as few bytes as possible."""
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise ValueError("too large for CBOR")


def encode(value):
    if value is None:
        return b"\xf6"
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        # IpcPs reads a plain number as Int32, Int64 or UInt64, the first that fits. A larger one must be a bignum.
        if 0 <= value < 1 << 64:
            return head(0, value)
        if -(1 << 63) <= value < 0:
            return head(1, -1 - value)
        number = value if value > 0 else -1 - value
        return head(6, BIGNUM if value > 0 else NEGATIVE_BIGNUM) + encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        try:
            data = value.encode()
            return head(3, len(data)) + data
        except UnicodeEncodeError:
            data = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
            return head(6, WTF8) + encode(data)
    if isinstance(value, Bag):
        return head(6, BAG) + encode(Pairs(value.items()))
    if isinstance(value, dict):
        return encode(Pairs(value.items()))
    if isinstance(value, Pairs):
        return head(5, len(value)) + b"".join(encode(key) + encode(item) for key, item in value)
    if isinstance(value, (list, tuple)):
        return head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, Tagged):
        return head(6, value.tag) + encode(value.value)
    if isinstance(value, Single):
        return b"\xfa" + struct.pack(">f", value.number)
    raise TypeError(f"cannot encode a {type(value).__name__}")


class Single:
    """A float of 32 bits. Python's own has 64."""

    def __init__(self, number):
        self.number = number

    def __repr__(self):
        return repr(self.number)


class Decoder:
    """Reads one value. Invalid bytes raise ValueError."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def all(self):
        value = self.item(0)
        if self.at != len(self.data):
            raise ValueError("there are bytes after the value")
        return value

    def take(self, count):
        if count > len(self.data) - self.at:
            raise ValueError("the data ends in the middle of a value")
        self.at += count
        return self.data[self.at - count:self.at]

    def item(self, depth):
        if depth > MAX_DEPTH:
            raise ValueError("the value is nested too deeply")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            number = info
        elif info < 28:
            number = int.from_bytes(self.take(1 << info - 24), "big")
        else:
            raise ValueError("items of indefinite length are not supported")
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return bytes(self.take(number))
        if major == 3:
            return self.take(number).decode()
        if major == 4:
            return [self.item(depth + 1) for _ in self.counted(number)]
        if major == 5:
            return Pairs((self.item(depth + 1), self.item(depth + 1)) for _ in self.counted(number))
        if major == 6:
            return self.tagged(number, depth)
        if first == 0xFA:
            return Single(struct.unpack(">f", number.to_bytes(4, "big"))[0])
        if first == 0xFB:
            return struct.unpack(">d", number.to_bytes(8, "big"))[0]
        return {0xF4: False, 0xF5: True}.get(first)

    def counted(self, number):
        # Each item has at least one byte, so a larger count is invalid. The check comes before memory is allocated.
        if number > len(self.data) - self.at:
            raise ValueError("the count is larger than the number of bytes")
        return range(number)

    def tagged(self, tag, depth):
        value = self.item(depth + 1)
        if tag == BAG and isinstance(value, Pairs):
            return Bag(value)
        if tag == WTF8 and isinstance(value, bytes):
            return value.decode("utf-8", "surrogatepass")
        return Tagged(tag, value)


# --- the envelope ------------------------------------------------------------------------------------------------------

def send(fd, value):
    """Sends an object. A large one is split into fragments, because the kernel may mix a large write with other writers' messages."""
    payload = encode(value)
    if len(payload) + 8 <= PIPE_BUF:
        os.write(fd, struct.pack("<BBBBI", MARKER, VERSION, 0, OBJECT, len(payload)) + payload)
        return
    writer = int.from_bytes(os.urandom(8), "little")
    size = PIPE_BUF - 24
    for offset in range(0, len(payload), size):
        part = payload[offset:offset + size]
        header = struct.pack("<BBBBIQII", MARKER, VERSION, FRAGMENT, OBJECT, len(part), writer, len(payload), offset)
        os.write(fd, header + part)


def receive(stream):
    """Yields each object that arrives. A line of text has no envelope and is a string."""
    incomplete = {}
    while first := stream.read(1):
        if first[0] != MARKER:
            yield (first + stream.readline()).decode().rstrip("\n")
            continue
        version, flags, kind, length = struct.unpack("<BBBI", exactly(stream, 7))
        if version != VERSION or flags & ~15 or length > MAX_MESSAGE:
            raise ValueError("unknown envelope")
        if flags & FRAGMENT:
            writer, total, offset = struct.unpack("<QII", exactly(stream, 16))
        if flags & CORRELATION:
            exactly(stream, 8)
        payload = exactly(stream, length)
        if flags & FRAGMENT:
            # Offset 0 begins a message. If its writer left an incomplete one before, that one is dropped.
            parts = incomplete[writer] = incomplete.get(writer, b"") if offset else b""
            if len(parts) != offset:
                raise ValueError("a fragment does not continue its message")
            incomplete[writer] = parts = parts + payload
            if len(parts) < total:
                continue
            payload = incomplete.pop(writer)
        yield Decoder(payload).all() if kind & 15 == OBJECT else payload


def exactly(stream, count):
    data = stream.read(count)
    if len(data) < count:
        raise ValueError("the stream ends in the middle of a message")
    return data


def property_value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "receive":
        with open(arguments[1], "rb") as stream:
            for value in receive(stream):
                print(value, flush=True)
    elif len(arguments) >= 2 and arguments[0] == "send":
        fd = os.open(arguments[1], os.O_WRONLY)
        send(fd, Bag((name, property_value(text)) for name, _, text in (pair.partition("=") for pair in arguments[2:])))
        os.close(fd)
    elif len(arguments) == 3 and arguments[0] == "echo":
        with open(arguments[1], "rb") as stream:
            fd = os.open(arguments[2], os.O_WRONLY)
            for value in receive(stream):
                send(fd, Bag(Value=value, Kind=type(value).__name__, ProcessId=os.getpid()))
            os.close(fd)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"peer.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
