"""A child's end of a tier link for tests: it greets as doc/formats/tier.md
says, sends what it is told to, and shows what the parent answers."""
import os
import socket
import ssl
import struct
import time

HELLO, WELCOME, READY, REFUSE, DATA, ACK, CREDIT = 1, 2, 3, 4, 5, 6, 7
WANT = 8
FIGURE = 8  # a channel
LINEAGE_AT = 32


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Child:
    def __init__(self, port, prefix, cert, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(['dougong-tier/1'])
        context.load_cert_chain(cert, key)
        self.prefix = prefix.encode()
        self.socket = context.wrap_socket(
            socket.create_connection(('127.0.0.1', port), 60),
            server_hostname='localhost')

    def close(self):
        self.socket.close()

    def send(self, kind_of_frame, body, channel=0, kind=0, flags=0, seq=0):
        self.socket.sendall(struct.pack(
            '<BBBBIQ', kind_of_frame, channel, kind, flags, len(body), seq) +
            body)

    def exactly(self, size):
        out = b''
        while len(out) < size:
            more = self.socket.recv(size - len(out))
            if not more:
                raise ConnectionError('ended')
            out += more
        return out

    def hear(self, *wanted, channel=None):
        """(type, body) of the next frame of a wanted type (on this channel);
        others are skipped."""
        while True:
            head = struct.unpack('<BBBBIQ', self.exactly(16))
            body = self.exactly(head[4])
            if head[0] in wanted and channel in (None, head[1]):
                return head[0], body

    def greet(self):
        """First contact: (WELCOME, body), then READY is sent; or REFUSE."""
        now = int(time.time() * 1000)
        self.send(HELLO, struct.pack(
            '<4sBBBB16sIIQQQQHH', b'DGT1', 1, 1, 0, 1, os.urandom(16), 1, 0, 0,
            now, now, 0, len(self.prefix), 0) + self.prefix)
        heard, body = self.hear(WELCOME, REFUSE)
        if heard == WELCOME:
            self.send(READY, body[LINEAGE_AT:LINEAGE_AT + 8])
        return heard, body

    def figures(self, of, shape8=0, sender=None):
        """A batch without records that says it is of this prefix, from a sender
        that may be made up; the body of the answer."""
        body = bytes([len(of)]) + of.encode()
        head = struct.pack('<4sHBBQIIQIII', b'DGF1', 48, 0, 0, shape8, 1 << 28,
                           1, 1, 0, len(body), crc32c(body))
        batch = head + struct.pack('<I', crc32c(head)) + body
        names = sender or self.prefix  # from; to: the neighbour
        message = struct.pack(
            '<IIIBBH', len(batch), crc32c(b'\1' + names + batch), 0,
            len(names), 0, 1) + names + batch
        self.send(WANT, struct.pack('<QQ', len(message), 0), FIGURE)
        self.hear(CREDIT, channel=FIGURE)
        self.send(DATA, message, FIGURE, 1, 3, 1)
        return self.hear(ACK, REFUSE)
