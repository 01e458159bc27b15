"""A small MQTT 3.1.1 / 5.0 publisher for tests: exact about what was
acknowledged, and with no opinion of its own."""
import select
import socket
import struct
import time


def _length(n):
    out = b''
    while True:
        n, byte = n // 128, n % 128
        out += bytes([byte | (128 if n else 0)])
        if not n:
            return out


def _text(s):
    b = s.encode() if isinstance(s, str) else s
    return struct.pack('>H', len(b)) + b


def packet(first, body):
    return bytes([first]) + _length(len(body)) + body


class Publisher:
    """publish() returns a packet id; `acked` has the ids that were PUBACKed
    (with the reason code, 0 in 3.1.1)."""

    def __init__(self, port, client='test', version=4, host='127.0.0.1',
                 context=None, timeout=60, user=None, password=None):
        self.version, self.next_id, self.waiting = version, 1, {}
        self.acked, self.buffer, self.closed = {}, b'', False
        self.refused = []
        self.socket = socket.create_connection((host, port), timeout)
        if context:
            self.socket = context.wrap_socket(self.socket,
                                              server_hostname='localhost')
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = 2 | (128 if user else 0) | (64 if password else 0)
        body = _text('MQTT') + bytes([version, flags]) + struct.pack('>H', 0)
        if version == 5:
            body += b'\0'
        body += _text(client)
        for text in (user, password):
            body += _text(text) if text else b''
        self.socket.sendall(packet(0x10, body))
        first, connack = self._packet(timeout)
        self.code = connack[1] if first == 0x20 else None
        if self.code != 0:
            self.socket.close()
            raise OSError('CONNACK %02x %s' % (first, connack.hex()))

    def _read(self, timeout):
        if not getattr(self.socket, 'pending', lambda: 0)():
            if not select.select([self.socket], [], [], timeout)[0]:
                return False
        data = self.socket.recv(65536)
        if not data:
            self.closed = True
            raise OSError('closed')
        self.buffer += data
        return True

    def _parse(self):
        length, shift = 0, 0
        for i in range(1, 5):
            if len(self.buffer) <= i:
                return None
            length |= (self.buffer[i] & 127) << shift
            shift += 7
            if not self.buffer[i] & 128:
                break
        if len(self.buffer) < i + 1 + length:
            return None
        first, body = self.buffer[0], self.buffer[i + 1:i + 1 + length]
        self.buffer = self.buffer[i + 1 + length:]
        return first, body

    def _packet(self, timeout):
        end = time.monotonic() + timeout
        while True:
            done = self._parse()
            if done:
                return done
            if time.monotonic() > end:
                raise TimeoutError('no packet')
            self._read(max(0, end - time.monotonic()))

    def publish(self, topic, payload, qos=1, retain=False, note=None):
        if isinstance(payload, str):
            payload = payload.encode()
        body = _text(topic)
        number = None
        if qos:
            number = self.next_id
            self.next_id = number % 65535 + 1
            self.waiting[number] = note
            body += struct.pack('>H', number)
        if self.version == 5:
            body += b'\0'
        self.socket.sendall(packet(0x30 | qos << 1 | retain, body + payload))
        return number

    def pump(self, timeout=0):
        """Take in what has come; returns notes acknowledged with success."""
        good = []
        try:
            while self._read(timeout):
                timeout = 0
        finally:
            while True:
                done = self._parse()
                if not done:
                    break
                first, body = done
                if first != 0x40:
                    continue
                number = struct.unpack('>H', body[:2])[0]
                reason = body[2] if len(body) > 2 else 0
                note = self.waiting.pop(number, None)
                self.acked[number] = reason
                (good if reason < 0x80 else self.refused).append(note)
        return good

    def drain(self, timeout=60):
        """Wait until nothing is owed."""
        good, end = [], time.monotonic() + timeout
        while self.waiting and time.monotonic() < end:
            good += self.pump(0.05)
        return good

    def close(self):
        try:
            self.socket.sendall(b'\xe0\0')
        except OSError:
            pass
        self.socket.close()
