#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets beside this file: the cases that a fuzzer would need long to
find by itself. Files with other names (what a fuzzer found) are left alone."""

import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent
KEY = bytes.fromhex("37fa213d")


def frame(first, payload=b"", announced=None):
    length = len(payload) if announced is None else announced
    if length < 126:
        head = bytes([first, 0x80 | length])
    elif length < 1 << 16:
        head = bytes([first, 0x80 | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, 0x80 | 127]) + struct.pack(">Q", length)
    return head + KEY + bytes(byte ^ KEY[n % 4] for n, byte in enumerate(payload))


def deflated(payload, level=9, bits=15):
    compress = zlib.compressobj(level, zlib.DEFLATED, -bits)
    whole = compress.compress(payload) + compress.flush(zlib.Z_SYNC_FLUSH)
    return whole[:-4]


def deflate(payload, limit=3):
    return bytes([limit]) + payload


def receive(stream, limit=2, pieces=1):
    return bytes([limit, pieces]) + stream


text, begins, goes_on, ends, close, ping, pong = 0x81, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8A
greek = "κόσμε".encode()
RECEIVE = {
    "hello": receive(frame(text, b"Hello")),
    "binary-126": receive(frame(0x82, bytes(126)), pieces=7),
    "binary-64k-begun": receive(frame(0x82, bytes(300), announced=65536), limit=3, pieces=255),
    "fragments": receive(frame(begins, b"Hel") + frame(goes_on) + frame(ends, b"lo")),
    "ping-between": receive(frame(begins, greek[:3]) + frame(ping, b"?" * 125) + frame(ends, greek[3:]), pieces=5),
    "pong-and-empty": receive(frame(pong) + frame(text) + frame(0x82)),
    "surrogate": receive(frame(begins, greek + b"\xed") + frame(ends, b"\xa0\x80")),
    "cut-character": receive(frame(text, greek[:-1]), pieces=3),
    "close": receive(frame(close, b"\x03\xe8bye") + frame(text, b"after")),
    "close-empty": receive(frame(begins, b"never") + frame(close)),
    "close-half-code": receive(frame(close, b"\x03")),
    "close-code-1005": receive(frame(close, b"\x03\xed")),
    "too-big": receive(frame(begins, b"x" * 16) + frame(ends, b"x"), limit=1),
    "announced": receive(frame(0x82, announced=1 << 40), limit=3),
    "high-bit": receive(bytes([0x82, 0xFF]) + b"\xff" * 8),
    "not-minimal": receive(bytes([0x82, 0xFE, 0, 5]) + KEY + b"12345"),
    "unmasked": receive(b"\x81\x05Hello"),
    "rsv1": receive(frame(0xC1, b"Hello")),
    "nothing-to-continue": receive(frame(ends, b"x")),
    "inside": receive(frame(begins, b"x") + frame(text, b"y")),
    "compressed": receive(frame(0xC1, deflated(greek)) + frame(text, greek)),
    "compressed-pieces": receive(
        frame(0x41, deflated(greek)[:3]) + frame(ping) + frame(ends, deflated(greek)[3:]), pieces=2
    ),
    "compressed-not-utf8": receive(frame(0xC1, deflated(b"\xff"))),
    "compressed-empty": receive(frame(0xC2, b"\0") + frame(0xC2)),
    "compressed-bomb": receive(frame(0xC2, deflated(bytes(100_000)))),
    "compressed-longer": receive(frame(0xC2, deflated(bytes(range(250)) * 4, level=0)), limit=2),
    "compressed-continuation": receive(frame(0x41, b"x") + frame(0xC0, b"y")),
}

HELLO = bytes.fromhex("f248cdc9c90700")
DEFLATE = {
    "hello": deflate(HELLO),
    "hello-again": deflate(bytes.fromhex("f200110000")),
    "stored": deflate(b"\0\x05\0\xfa\xffHello\0"),
    "last": deflate(bytes.fromhex("f348cdc9c9070000")),
    "last-alone": deflate(bytes.fromhex("f348cdc9c90700")),
    "two-blocks": deflate(bytes.fromhex("f248050000 00ffffcac9c90700")),
    "empty": deflate(b"\0"),
    "nothing": deflate(b""),
    "many-last": deflate(b"\x03\0" * 500 + b"\0"),
    "bomb": deflate(deflated(bytes(1 << 20))),
    "bomb-fits": deflate(deflated(bytes(1 << 20)), limit=4),
    "to-the-byte": deflate(deflated(b"x" * 100), limit=2),
    "one-over": deflate(deflated(b"x" * 101), limit=2),
    "cut": deflate(deflated(b"".join(str(n).encode() for n in range(300)))[:-7]),
    "far": deflate(deflated(bytes(range(256)) * 40)),
    "text": deflate(b"the same again and " * 40),
    "noise": deflate(bytes((n * n * 7919 >> 5) & 255 for n in range(700))),
}

GOOD = [
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]


def request(lines, method="GET"):
    return "\n".join([method, *lines]).encode()


HANDSHAKE = {
    "good": request(GOOD),
    "plain": request(["Host: a"]),
    "head": request(GOOD, "HEAD"),
    "post": request(GOOD, "POST"),
    "no-connection": request(GOOD[1:]),
    "other-upgrade": request([GOOD[0], "Upgrade: h2c", *GOOD[2:]]),
    "version-8": request([*GOOD[:2], "Sec-WebSocket-Version: 8", GOOD[3]]),
    "version-twice": request([*GOOD, GOOD[2]]),
    "no-key": request(GOOD[:3]),
    "key-twice": request([*GOOD, GOOD[3]]),
    "key-short": request([*GOOD[:3], "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"]),
    "key-stray-bits": request([*GOOD[:3], "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="]),
    "protocols": request([*GOOD, "Sec-WebSocket-Protocol: a,, b ,", "sec-websocket-protocol: c"]),
    "extensions": request([*GOOD, 'Sec-WebSocket-Extensions: x; a="1, \\"2", permessage-deflate; b']),
    "open-quote": request([*GOOD, 'Sec-WebSocket-Extensions: x; a="1, 2', "Sec-WebSocket-Extensions: y"]),
    "not-text": request(GOOD) + b"\nSec-WebSocket-Protocol: a\xff, b",
    "deflate": request([*GOOD, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]),
    "deflate-offers": request([
        *GOOD,
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8, x",
        'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="1\\0"; server_no_context_takeover',
    ]),
    "deflate-twice": request([
        *GOOD, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; client_max_window_bits=9"
    ]),
}



def message(text, how=0):
    return bytes([how]) + (text if isinstance(text, bytes) else text.encode())


DECODE = {
    "empty": message(""),
    "hello": message("hello"),
    "quotes": message('"\\ \x01\x7f<b>&\u2028é\U0001f600'),
    "not-text": message(b"\xff\xfe", how=1),
    "binary": message('{"type":"send_message","payload":{"message":"hi"}}', how=1),
    "nick": message("/nick  bob and more"),
    "nick-alone": message("/nick \t"),
    "nick-nul": message("/nick \x00\u2003x"),
    "nickname": message("/nickname x"),
    "send": message('{"type":"send_message","payload":{"message":"h\\u00e9","from":"x"}}'),
    "change": message('{"type":"change_room","payload":{"name":"den"}}'),
    "wave": message('{"payload": {"a" : [1, 2.50]} ,"type":"wave"}'),
    "wave-surrogate": message('{"type":"wave","payload":"\\ud800"}'),
    "twice": message('{"type":"wave","type":"wave"}'),
    "deep": message('{"type":"wave","payload":' + "[" * 70 + "]" * 70 + "}"),
    "far-too-deep": message("[" * 20_000),
    "join": message('{"t":"join","rooms":[{"room":"den","from":{"epoch":"9f3c5d20a1b4e687","seq":12},"presence":true}]}'),
    "join-array": message('{"t":"join","rooms":[["den"]]}'),
    "leave": message('{"t":"leave","rooms":["den","$x"]}'),
    "publish": message('{"t":"publish","room":"den","id":"m-17","type":"message","payload":"hello"}'),
    "publish-kind": message('{"t":"publish","room":"den","type":"wave","payload":{"\\u0000":1e308}}'),
    "publish-nick": message('{"t":"publish","room":"den","type":"$nick","payload":{"was":"a","now":"b"}}'),
    "publish-number": message('{"t":"publish","room":"den","type":"wave","payload":1e999}'),
    "ping": message('{"t":"ping","id":"7"}'),
    "entry": message('{"t":"entry","room":"$all","epoch":"9f3c5d20a1b4e687","seq":1,"from":"a","type":"$binary","payload":"AP8=","sent":"2026-11-22T04:00:00.120000000Z"}'),
    "event": message('{"t":"event","type":"x","payload":null}'),
}

for target, seeds in {"receive": RECEIVE, "deflate": DEFLATE, "handshake": HANDSHAKE, "decode": DECODE}.items():
    for name, content in seeds.items():
        (HERE / target).mkdir(exist_ok=True)
        (HERE / target / name).write_bytes(content)
