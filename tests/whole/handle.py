#!/usr/bin/env python3
"""Names over the Handle protocol, asked for by a client of its own.

The client below is written from the specification (DO-IRP: RFC 3652 as
deployed) and shares no code with the node.  It asks a real chain, enterprise
below province below nation, over UDP and TCP: answers of one and of many
packets, questions in parts, referrals and fetching; then garbage, cut and
oversized messages and a flood, after each of which the door must still answer.

With DOUGONG_HANDLE_LONG=1 the flood lasts longer.
"""
import json
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import PATIENCE_S, Chain, http, until  # noqa: E402

AT, CT, REC, CN, KC = 1 << 31, 1 << 30, 1 << 28, 1 << 26, 1 << 25
PO, RD, DNR = 1 << 24, 1 << 23, 1 << 20


# --- a client ---

def text(raw):
    return struct.pack('>I', len(raw)) + raw


class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def take(self, size):
        assert self.at + size <= len(self.raw), 'cut short'
        self.at += size
        return self.raw[self.at - size:self.at]

    def u32(self):
        return struct.unpack('>I', self.take(4))[0]

    def text(self):
        return self.take(self.u32())

    def values(self):
        out = []
        for _ in range(self.u32()):
            index, stamp = self.u32(), self.u32()
            ttl_type, = self.take(1)
            ttl, permissions = self.u32(), self.take(1)[0]
            kind, data = self.text(), self.text()
            refs = [(self.text(), self.u32()) for _ in range(self.u32())]
            out.append((index, kind, data, ttl_type, ttl, permissions, stamp,
                        refs))
        return out

    def end(self):
        assert self.at == len(self.raw), '%d bytes left over' % (
            len(self.raw) - self.at)


def question(handle, indexes=(), types=()):
    return (text(handle) + struct.pack('>I', len(indexes)) +
            b''.join(struct.pack('>I', i) for i in indexes) +
            struct.pack('>I', len(types)) + b''.join(text(t) for t in types))


def message(op, body, request, flags=PO | REC, session=0, recursion=0):
    payload = struct.pack('>IIIHBBII', op, 0, flags, 0xFFFF, recursion, 0,
                          int(time.time()) + 43200, len(body)) + body
    payload += struct.pack('>I', 0)
    return struct.pack('>BBBBIIII', 2, 11, 2, 11, session, request, 0,
                       len(payload)) + payload


def packets(whole):
    """As they go over UDP: 492 bytes behind each envelope."""
    payload, out = whole[20:], []
    several = len(payload) > 492
    for n in range((len(payload) + 491) // 492):
        envelope = bytearray(whole[:20])
        envelope[2] |= 0x20 if several else 0
        envelope[12:16] = struct.pack('>I', n)
        out.append(bytes(envelope) + payload[n * 492:(n + 1) * 492])
    return out


class Reply:
    def __init__(self, envelope, payload):
        (self.major, self.minor, _, _, self.session, self.request, _,
         size) = struct.unpack('>BBBBIIII', envelope)
        assert size == len(payload), (size, len(payload))
        (self.op, self.code, self.flags, self.serial, self.recursion, _,
         self.expires, body) = struct.unpack('>IIIHBBII', payload[:24])
        self.body = payload[24:24 + body]
        rest = Reader(payload[24 + body:])
        self.credential = rest.text()
        rest.end()
        assert abs(self.expires - time.time() - 43200) < 60
        assert self.flags & REC

    def values(self):
        reader = Reader(self.body)
        handle = reader.text()
        values = reader.values()
        reader.end()
        indexes = [v[0] for v in values]
        assert indexes == sorted(indexes), indexes
        return handle, values


class Udp:
    def __init__(self, port):
        self.s = socket.socket(type=socket.SOCK_DGRAM)
        self.s.connect(('127.0.0.1', port))

    def send(self, whole, order=None):
        parts = packets(whole)
        for n in order or range(len(parts)):
            self.s.send(parts[n])

    def read(self, request, patience=0.5):
        """The reply of this request, put together; None in vain."""
        parts, envelope = {}, None
        end = time.monotonic() + patience
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.s.settimeout(left)
            try:
                data = self.s.recv(65536)
            except socket.timeout:
                return None
            assert 20 < len(data) <= 512, len(data)
            number, sequence, size = struct.unpack('>III', data[8:20])
            if number != request:
                continue
            parts[sequence] = data[20:]
            envelope = data[:20] if sequence == 0 else envelope
            if sum(map(len, parts.values())) == size:
                assert all(len(p) == 492 for n, p in parts.items()
                           if n != max(parts))
                return Reply(envelope, b''.join(parts[n]
                                                for n in sorted(parts)))

    def ask(self, op, body, flags=PO | REC, order=None, **more):
        """As clients do: again after 0.5, 1 and 1.5 s; and for longer."""
        request = random.randrange(1, 1 << 32)
        for patience in (0.5, 1, 1.5, 3, 10, 30, 60):
            self.send(message(op, body, request, flags, **more), order)
            reply = self.read(request, patience)
            if reply:
                return reply
        raise AssertionError('no answer over UDP')


class Tcp:
    def __init__(self, port):
        self.s = socket.create_connection(('127.0.0.1', port), PATIENCE_S)

    def exactly(self, size):
        out = b''
        while len(out) < size:
            more = self.s.recv(size - len(out))
            if not more:
                return out
            out += more
        return out

    def read(self):
        envelope = self.exactly(20)
        if not envelope:
            return None
        return Reply(envelope, self.exactly(struct.unpack('>I',
                                                          envelope[16:])[0]))

    def ask(self, op, body, flags=PO | REC | KC, **more):
        request = random.randrange(1, 1 << 32)
        self.s.sendall(message(op, body, request, flags, **more))
        reply = self.read()
        assert reply and reply.request == request
        return reply


# --- what is shown ---

class Show:
    def __init__(self, chain):
        self.chain, self.node = chain, chain.enterprise
        self.port = self.node.port + 2
        self.udp, self.tcp = Udp(self.port), Tcp(self.port)

    def put(self, name, values):
        status, body, _ = http('%s/api/handles/%s' % (self.node.url, name),
                               json.dumps({'values': values}).encode(),
                               {'Content-Type': 'application/json',
                                **self.node.auth}, 'PUT')
        assert status in (200, 201), (status, body)

    def fill(self):
        self.put('88.31.1001/Pump-42', [
            {'index': 1, 'type': 'URL', 'data': 'https://plant/42'},
            {'index': 2, 'type': 'EMAIL', 'data': 'pump@plant'},
            {'index': 3, 'type': 'URL.BACKUP', 'data': 'https://b/42'}])
        self.put('88.31.1001/big', [
            {'index': 7, 'type': 'DESC', 'data': 'x' * 9000}])
        self.put('88.31.1001/bigger', [
            {'index': 7, 'type': 'DESC', 'data': 'y' * 40000}])

    def answers(self):
        for ask in (self.udp.ask, self.tcp.ask):
            reply = ask(1, question(b'88.31.1001/PUMP-42'))
            assert (reply.op, reply.code) == (1, 1), reply.code
            assert reply.flags & AT and reply.flags & PO
            handle, values = reply.values()
            assert handle == b'88.31.1001/PUMP-42'  # as it was asked for
            got = {v[0]: (v[1], v[2]) for v in values}
            assert got[1] == (b'URL', b'https://plant/42'), got
            assert got[3] == (b'URL.BACKUP', b'https://b/42'), got
            kinds = [v[1] for v in ask(1, question(
                b'88.31.1001/pump-42', types=[b'url'])).values()[1]]
            assert kinds == [b'URL'], kinds
            kinds = [v[1] for v in ask(1, question(
                b'88.31.1001/pump-42', [2], [b'URL.'])).values()[1]]
            assert kinds == [b'URL', b'EMAIL', b'URL.BACKUP'], kinds
            assert ask(1, question(b'88.31.1001/none')).code == 100
            assert ask(1, question(b'88.31.1001/pump-42', [99])).code == 200
            assert ask(1, question(b'')).code == 301
            assert ask(1, question(b'0')).code != 0  # a sign of life
        print('records by index, type and whole, over UDP and TCP')

    def site(self):
        def known():
            reply = self.udp.ask(2, text(b'/'))
            return reply if reply.code == 1 else None
        reply = until('the site is known', known)
        head = struct.unpack('>HBBHBB', reply.body[:8])
        assert head[:3] == (1, 2, 11) and head[4] & 0x80, head
        assert head[3] == reply.serial
        key = reply.body.index(b'RSA_PUB_KEY')
        assert struct.pack('>BI', 0, self.port) in reply.body[key:]
        assert struct.pack('>BI', 1, self.port) in reply.body[key:]
        assert self.tcp.ask(2, text(b'')).body == reply.body
        self.signed(reply.body[key + 11 + 2:])
        print('GET_SITEINFO, and a signature by the key in it')

    def signed(self, key):
        """CT: RSA PKCS#1 v1.5 with SHA-256, checked by hand."""
        import hashlib
        reader = Reader(key)
        e = int.from_bytes(reader.text(), 'big')
        n = int.from_bytes(reader.text(), 'big')
        reply = self.tcp.ask(1, question(b'88.31.1001/pump-42'),
                             PO | CT | RD | KC)
        assert reply.flags & CT and reply.flags & RD
        assert reply.body[0] == 3
        credential = Reader(reply.credential)
        credential.take(4)
        assert credential.text() == b''
        counter = credential.take(4)
        assert credential.text() == b'HS_SIGNED'
        section = Reader(credential.text())
        assert section.text() == b'SHA-256'
        signature = int.from_bytes(section.text(), 'big')
        covered = struct.pack('>BBBBII', 2, 11, 2, 11, reply.session,
                              reply.request) + counter
        covered += struct.pack('>IIIHBBII', reply.op, reply.code, reply.flags,
                               reply.serial, reply.recursion, 0, reply.expires,
                               len(reply.body)) + reply.body
        padded = pow(signature, e, n).to_bytes(256, 'big')
        digest = bytes.fromhex('3031300d060960864801650304020105000420')
        digest += hashlib.sha256(covered).digest()
        assert padded == b'\0\1' + b'\xff' * (253 - len(digest)) + b'\0' + \
            digest, 'the signature does not verify'

    def long(self):
        reply = self.udp.ask(1, question(b'88.31.1001/big', [7]))
        assert reply.values()[1][0][2] == b'x' * 9000
        assert self.udp.ask(1, question(b'88.31.1001/bigger')).code == 3
        reply = self.tcp.ask(1, question(b'88.31.1001/bigger', [7]))
        assert reply.values()[1][0][2] == b'y' * 40000
        types = [b'TYPE-%03d' % n for n in range(120)] + [b'EMAIL']
        for order in (None, (3, 1, 0, 2), (0, 0, 2, 3, 3, 1)):
            reply = self.udp.ask(1, question(b'88.31.1001/pump-42', (), types),
                                 order=order)
            assert [v[1] for v in reply.values()[1]] == [b'EMAIL']
        print('answers and questions of many packets, in any order')

    def tree(self):
        """A name of the enterprise, asked for at the nation."""
        top = Udp(self.chain.nation.port + 2)
        name = question(b'88.31.1001/pump-42')

        def fetched():
            reply = top.ask(1, name)
            return reply if reply.code == 1 else None
        reply = until('fetched from below', fetched)
        assert not reply.flags & AT  # not the nation's own
        assert reply.values()[0] == b'88.31.1001/pump-42'
        assert top.ask(1, name, PO | DNR).code == 301

        def referred():
            reply = top.ask(1, name, PO)
            return reply if reply.code == 302 else None
        handle, values = until('a referral', referred).values()
        assert handle == b'' and [v[1] for v in values] == [b'HS_SITE']
        address, port = values[0][2], struct.pack('>I', self.port)
        assert port in address  # where it says, it is answered
        assert self.udp.ask(1, name, PO).code == 1
        assert top.ask(1, question(b'0.NA/88.31.1001')).code == 1
        assert top.ask(1, question(b'77.1/x'), PO).code in (301, 100)
        assert top.ask(1, question(b'0.NA/77.1'), PO).code in (301, 100)
        assert top.ask(1, name, recursion=11).code == 6
        assert self.udp.ask(1, name, recursion=11).code == 1
        print('the nation fetches for who asks it to, and refers the others')

    def command(self):
        where = '127.0.0.1:%d' % self.port

        def run(name, *more, at=where):
            return self.node.ctl('resolve', name, '--handle', at, *more,
                                 check=False)
        done = run('88.31.1001/pump-42', '--type', 'URL')
        assert done.returncode == 0 and b'https://plant/42' in done.stdout
        assert b'pump@plant' not in done.stdout, done.stdout
        done = run('88.31.1001/bigger', '--json')
        answer = json.loads(done.stdout)
        assert answer['transport'] == 'tcp' and answer['responseCode'] == 1
        assert run('88.31.1001/none').returncode == 1
        assert run('88.31.1001/x', at='127.0.0.1').returncode == 2
        assert run('88.31.1001/x', at='127.0.0.1:1').returncode == 3
        print('dougong resolve --handle')

    def refusals(self):
        for op in (100, 101, 102, 103, 104, 105, 300, 301, 302):
            assert self.udp.ask(op, text(b'88.31.1001/x')).code == 4, op
        for op in (5, 106, 201, 400, 401, 777, 2001):
            reply = self.udp.ask(op, text(b'x'))
            assert (reply.op, reply.code) == (op, 5), (op, reply.code)
        assert self.tcp.ask(200, text(b'x')).code == 405
        assert self.tcp.ask(1, question(b'0'), session=12345).code == 500
        reply = self.udp.ask(1, question(b'88.31.1001/' + b'x' * 300))
        assert reply.code in (100, 102)
        reply = self.tcp.ask(1, struct.pack('>II', 1, 7) + b'x')
        assert reply.code == 4
        print('what is not served is refused, by code')

    def alive(self):
        assert self.udp.ask(1, question(b'88.31.1001/pump-42')).code == 1
        tcp = Tcp(self.port)
        assert tcp.ask(1, question(b'88.31.1001/pump-42')).code == 1
        tcp.s.close()

    def silence(self):
        """Replies, and what is too short, are never answered: of what comes to
        a socket of their own, the first is about the question behind them."""
        udp = Udp(self.port)
        reply = message(1, text(b''), 1)
        reply = reply[:24] + struct.pack('>I', 100) + reply[28:]
        for data in (b'', b'\2\13', bytes(19), reply, b'\xff' * 40,
                     b'\xff' * 600, reply[:15] + b'\1' + reply[16:]):
            udp.s.send(data)
        udp.s.settimeout(PATIENCE_S)
        request = 0xABCD1234
        udp.send(message(1, question(b'0'), request))
        first = udp.s.recv(512)
        assert struct.unpack('>I', first[8:12])[0] == request, first[:44]
        print('replies and scraps are never answered')

    def garbage(self):
        rng = random.Random(11)
        whole = message(1, question(b'88.31.1001/pump-42', [1], [b'URL']), 5)
        for _ in range(3000):
            data = bytearray(whole)
            for _ in range(rng.randrange(5)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            self.udp.s.send(data[:rng.randrange(len(data) + 1)])
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(rng.randrange(1, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            tcp = Tcp(self.port)
            tcp.s.sendall(data[:rng.randrange(1, len(data) + 1)])
            tcp.s.shutdown(socket.SHUT_WR)
            while tcp.s.recv(65536):
                pass
            tcp.s.close()
        for size in (513, 2000, 9000, 60000):  # longer than any packet
            self.udp.s.send(whole[:16] + struct.pack('>I', size - 20) +
                            whole[20:44] + bytes(size - 44))
        for size in (262145, 1 << 31, (1 << 32) - 1):
            tcp = Tcp(self.port)
            tcp.s.sendall(whole[:16] + struct.pack('>I', size))
            assert tcp.read().code == 4
            assert tcp.read() is None  # and it closes
        self.drain()
        self.alive()
        print('garbage, cut and oversized messages leave it answering')

    def drain(self):
        self.udp.s.settimeout(0.2)
        try:
            while True:
                self.udp.s.recv(65536)
        except socket.timeout:
            pass

    def flood(self):
        """Halves of messages and good questions as fast as they go: TCP must
        still be answered, and memory must stay."""
        seconds = 20 if os.environ.get('DOUGONG_HANDLE_LONG') else 3
        before = self.node.metrics()
        end = time.monotonic() + seconds
        half = packets(message(1, question(b'88.31.1001/pump-42', (),
                                           [b'T' * 40] * 20), 1))[0]
        good = message(1, question(b'88.31.1001/pump-42'), 2)

        def pour():
            s = socket.socket(type=socket.SOCK_DGRAM)
            s.connect(('127.0.0.1', self.port))
            n = 0
            while time.monotonic() < end:
                n += 1
                part = bytearray(half if n % 2 else good)
                part[8:12] = struct.pack('>I', n)
                s.send(part)
        thread = threading.Thread(target=pour)
        thread.start()
        waits = []
        while time.monotonic() < end:
            begin = time.monotonic()
            assert self.tcp.ask(1, question(b'88.31.1001/pump-42')).code == 1
            waits.append(time.monotonic() - begin)
        thread.join()
        self.alive()
        after = self.node.metrics()
        name = 'dougong_net_datagrams_in_total{door="handle",port="%d"}'
        taken = after[name % self.port] - before[name % self.port]
        crowded = 'dougong_handle_dropped_total{why="crowded"}'
        grown = 1024 * (after['dougong_process_resident_kibibytes'] -
                        before['dougong_process_resident_kibibytes'])
        assert taken > 1000
        assert grown < 64 << 20, 'grown by %d' % grown
        waits.sort()
        print('flood: %d datagrams in %d s, %d halves crowded out, %+.1f MiB; '
              'TCP p99 %.1f ms of %d' % (
                  taken, seconds, after[crowded] - before[crowded],
                  grown / (1 << 20), waits[len(waits) * 99 // 100] * 1000,
                  len(waits)))


def main():
    with Chain() as chain:
        show = Show(chain)
        show.fill()
        show.answers()
        show.site()
        show.long()
        show.tree()
        show.command()
        show.refusals()
        show.silence()
        show.garbage()
        show.flood()
        counts = chain.enterprise.metrics()
        for name, value in sorted(counts.items()):
            if name.startswith('dougong_handle_replies'):
                print('  %s %d' % (name, value))


main()
