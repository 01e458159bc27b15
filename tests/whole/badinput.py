#!/usr/bin/env python3
"""Bad input gets a clear answer and a counter, and changes nothing.

Malformed and oversize MQTT, HTTP and tier bytes; packs that are wrong; wrong,
expired, revoked and foreign certificates; a used token; figures of a prefix
that is not the sender's.
"""
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
import tier  # noqa: E402
from chain import DOUGONG, PATIENCE_S, TOP, Chain, Node, until  # noqa: E402

DONE = []


def counted(node, prefix, act):
    """act() makes some counter that starts with prefix rise."""
    def total():
        return sum(v for k, v in node.metrics().items() if k.startswith(prefix))
    before = total()
    result = act()
    until('%s counts it' % prefix, lambda: total() > before)
    return result


def raw(port, data, context=None, until=None):
    """Send bytes; what comes back until the other side closes, or until these
    bytes are there."""
    out = b''
    s = socket.create_connection(('127.0.0.1', port), PATIENCE_S)
    try:
        if context:
            s = context.wrap_socket(s, server_hostname='localhost')
        try:
            s.sendall(data)
        except ConnectionError:
            pass  # it has answered before it has read all
        while until is None or until not in out:
            more = s.recv(65536)
            if not more:
                break
            out += more
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        s.close()
    return out


def case(name):
    def wrap(fn):
        DONE.append((name, fn))
        return fn
    return wrap


CONNECT4 = bytes.fromhex('100d00044d51545404020000000162')
CONNECT5 = bytes.fromhex('100e00044d5154540502000000000162')


@case('MQTT: reserved packet type, 5.0')
def _(c):
    got = counted(c.enterprise, 'dougong_mqtt_refused_total', lambda: raw(
        c.enterprise.port + 1, CONNECT5 + b'\x00\x00'))
    assert got[:1] == b'\x20' and b'\xe0\x01\x82' in got, got.hex()


@case('MQTT: wildcard in a topic, 5.0')
def _(c):
    publish = bytes.fromhex('320a0003612f23000100') + b'xx'
    got = counted(c.enterprise, 'dougong_mqtt_refused_total', lambda: raw(
        c.enterprise.port + 1, CONNECT5 + publish))
    assert b'\xe0\x01\x81' in got, got.hex()


@case('MQTT: remaining length of five bytes')
def _(c):
    counted(c.enterprise, 'dougong_mqtt_refused_total', lambda: raw(
        c.enterprise.port + 1, CONNECT4 + b'\x30\xff\xff\xff\xff\x01'))


@case('MQTT: a number that is none')
def _(c):
    topic = b'd/88.31.1001/bad/m/x'
    body = len(topic).to_bytes(2, 'big') + topic + b'\0\1\0' + b'not-a-number'
    packet = bytes([0x32, len(body)]) + body
    got = raw(c.enterprise.port + 1, CONNECT5 + packet, until=b'\x99')
    assert b'\x40' in got and b'\x99' in got, got.hex()


@case('MQTT: an identifier of a foreign prefix')
def _(c):
    topic = b'd/88.44.1/x/m/x'
    body = len(topic).to_bytes(2, 'big') + topic + b'\0\1\0' + b'1'
    got = raw(c.enterprise.port + 1, CONNECT5 + bytes([0x32, len(body)]) + body,
              until=b'\x87')
    assert b'\x87' in got, got.hex()


@case('HTTP: not HTTP')
def _(c):
    got = counted(c.nation, 'dougong_http_refused_total', lambda: raw(
        c.nation.port, b'BLAH / SMTP/1.0\r\n\r\n'))
    assert got.startswith(b'HTTP/1.1 400'), got[:80]


@case('HTTP: a head over 32 KiB')
def _(c):
    got = raw(c.nation.port, b'GET / HTTP/1.1\r\nHost: localhost\r\nX: ' +
              b'a' * 40000 + b'\r\n\r\n')
    assert got.startswith(b'HTTP/1.1 431'), got[:80]


@case('HTTP: a body over the limit')
def _(c):
    got = raw(c.nation.port, b'POST /api/prefix-applications/88.1/approve '
              b'HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ' +
              c.nation.key.encode() +
              b'\r\nContent-Length: 99999999\r\n\r\n')
    assert got.startswith(b'HTTP/1.1 413'), got[:80]


@case('HTTP: another Host (DNS rebinding)')
def _(c):
    got = raw(c.nation.port, b'GET /api/tree HTTP/1.1\r\nHost: evil.example\r\n'
              b'Connection: close\r\n\r\n')
    assert got.split(b' ')[1] in (b'400', b'403', b'421'), got[:80]


@case('HTTP: an unknown pack, metric and window')
def _(c):
    for params, word in (({'pack': 'hots', 'metric': 'cpu_share'}, 'host'),
                         ({'pack': 'host', 'metric': 'cpu_shar'}, 'cpu_share'),
                         ({'pack': 'host', 'metric': 'cpu_share',
                           'at': '2025-13-99'}, '2025')):
        status, answer = c.nation.get('/api/figures', **params)
        assert 400 <= status < 500 and word in json.dumps(answer), answer


@case('HTTP: what is not UTF-8')
def _(c):
    for path in ('/api/v1/query?query=1&time=%ff', '/api/v1/query?query=%e4%b8',
                 '/api/figures?pack=%ff&metric=x',
                 '/api/returns/forms/stats/industry?window=2025-10&unit='
                 '88.31.1001/' + 5000 * 'a'):
        got = raw(c.enterprise.port, ('GET %s HTTP/1.1\r\nHost: localhost\r\n'
                  'Connection: close\r\nAuthorization: Bearer %s\r\n\r\n' %
                  (path, c.enterprise.key)).encode())
        assert got.startswith(b'HTTP/1.1 4'), (path[:60], got[:200])


@case('HTTP: a query with a mistake')
def _(c):
    status, answer = c.enterprise.get('/api/v1/query', query='up{a=}')
    assert status == 400 and answer['errorType'] == 'bad_data', answer
    assert 'parse error' in answer['error'], answer


def tier_context(c, cert=None, key=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(['dougong-tier/1'])
    if cert:
        context.load_cert_chain(cert, key)
    return context


@case('tier: no certificate')
def _(c):
    counted(c.province, 'dougong_net_', lambda: raw(
        c.province.port + 3, b'x' * 100, tier_context(c)))


@case('tier: a stranger\'s certificate')
def _(c):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:P-256', '-nodes', '-keyout', d + '/k', '-out',
             d + '/c', '-subj', '/', '-days', '1', '-addext',
             'subjectAltName=URI:urn:dougong:88.31.1001'], check=True,
            stderr=subprocess.DEVNULL)
        got = raw(c.province.port + 3, b'x' * 100,
                  tier_context(c, d + '/c', d + '/k'))
        assert got == b'', got


@case('tier: garbage behind a good certificate')
def _(c):
    keys = os.path.join(c.enterprise.dir, 'keys')
    counted(c.province, 'dougong_tier_', lambda: raw(
        c.province.port + 3, b'\x07' * 4000,
        tier_context(c, keys + '/tier.pem', keys + '/tls.key')))
    until('the real link is up all the same', lambda: any(
        child['up'] for child in c.province.get('/api/tree')[1]['children']))


def joined(c, prefix):
    """A child that has joined and never serves: its node."""
    node = Node(c, prefix, 'enterprise', c.province)
    node.join()
    return node


@case('tier: an expired certificate')
def _(c):
    node = joined(c, '88.31.8')
    keys = os.path.join(node.dir, 'keys')
    ca = c.province.dir
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/ext', 'w') as f:
            f.write('basicConstraints=critical,CA:FALSE\n'
                    'keyUsage=critical,digitalSignature\n'
                    'extendedKeyUsage=clientAuth\n'
                    'subjectAltName=URI:urn:dougong:88.31.8\n')
        for command in (['req', '-new', '-key', keys + '/tls.key', '-subj',
                         '/CN=88.31.8', '-out', d + '/r'],
                        ['x509', '-req', '-in', d + '/r', '-CA',
                         ca + '/ca.pem', '-CAkey', ca + '/keys/ca.key',
                         '-days', '-1', '-extfile', d + '/ext', '-out',
                         d + '/c']):
            subprocess.run(['openssl', *command], check=True,
                           stderr=subprocess.DEVNULL)

        def greet(cert):
            child = tier.Child(c.province.port + 3, '88.31.8', cert,
                               keys + '/tls.key')
            try:
                return child.greet()
            finally:
                child.close()
        heard, body = counted(
            c.province, 'dougong_tier_handshakes_total{result="refused"}',
            lambda: greet(d + '/c'))
        assert heard == tier.REFUSE and body[6:] == b'certificate expired', body
        heard, body = greet(keys + '/tier.pem')  # its real one is good
        assert heard == tier.WELCOME, body


@case('tier: figures of a foreign prefix')
def _(c):
    node = joined(c, '88.31.9')
    keys = os.path.join(node.dir, 'keys')
    child = tier.Child(c.province.port + 3, '88.31.9', keys + '/tier.pem',
                       keys + '/tls.key')
    try:
        heard, body = child.greet()
        assert heard == tier.WELCOME, body
        heard, body = counted(
            c.province, 'dougong_rollup_batches_total{result="foreign"}',
            lambda: child.figures('88.31.1001'))
        assert heard == tier.ACK and body[:2] == b'\1\2', body  # 2: foreign
    finally:
        child.close()
    assert "a prefix that is not the sender's" in c.province.tail(50), \
        c.province.tail()


@case('tier: figures in the name of a node below')
def _(c):
    node = joined(c, '88.31.6')
    keys = os.path.join(node.dir, 'keys')
    child = tier.Child(c.province.port + 3, '88.31.6', keys + '/tier.pem',
                       keys + '/tls.key')
    try:
        child.greet()
        heard, body = counted(  # it would count beside the child
            c.province, 'dougong_tier_bad_frames_total',
            lambda: child.figures('88.31.6.1', sender=b'88.31.6.1'))
        assert heard == tier.REFUSE and b'not on that side' in body, body
    finally:
        child.close()


@case('token: used, foreign, changed')
def _(c):
    token = c.province.ctl('prefix', 'approve',
                           '88.31.7').stdout.decode().strip()
    bad = token[:20] + ('A' if token[20] != 'A' else 'B') + token[21:]
    for text in (bad, 'dgj1-AAAA', 'nonsense', token):
        done = subprocess.run(
            [DOUGONG, 'join', '127.0.0.1:%d' % c.province.port, text,
             '--config', c.enterprise.yaml], stderr=subprocess.PIPE)
        assert done.returncode != 0 and done.stderr.strip(), (text, done)


@case('node.yaml: an unknown key')
def _(c):
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/node.yaml', 'w') as f:
            f.write('node: "88.9"\nrole: nation\ndata: %s\npacks_dir: %s/packs\n'
                    'port: 31000\nprot: 1\n' % (d, TOP))
        done = subprocess.run([DOUGONG, 'serve', d + '/node.yaml'],
                              stderr=subprocess.PIPE, timeout=PATIENCE_S)
        text = done.stderr.decode()
        assert done.returncode != 0 and ':6:1' in text and 'port' in text, text


@case('packs: unknown key, wrong unit, ill-typed expression')
def _(c):
    bad = os.path.join(TOP, 'tests/packs/bad')
    seen = 0
    for name in sorted(os.listdir(bad)):
        if not name.endswith('.yaml') or name == 'good.yaml':
            continue
        with tempfile.TemporaryDirectory() as d:
            os.mkdir(d + '/bad')
            os.symlink(os.path.join(bad, name), d + '/bad/pack.yaml')
            done = subprocess.run(
                [DOUGONG, 'pack', 'check', d + '/bad', '--codes',
                 TOP + '/packs/codes'], stderr=subprocess.PIPE,
                timeout=PATIENCE_S)
            text = done.stderr.decode()
            assert done.returncode == 1 and 'pack.yaml' in text, (name, text)
            seen += 1
    assert seen >= 8, seen


@case('commands: what is mistyped is told, and changes nothing')
def _(c):
    for pack in ('host', 'kpi/iso22400', 'energy/carbon', 'stats/industry'):
        for end in ('', '/', '//'):
            done = c.nation.ctl('pack', 'check', TOP + '/packs/' + pack + end,
                                check=False)
            assert done.returncode == 0, (pack, end, done.stderr)
    for args, code, said in (
            (('help', 'nonsense'), 2, 'unknown command "nonsense"'),
            (('help', 'figure', 'sho'), 2, 'did you mean show?'),
            (('prefix', 'host', '88.4001', '--quota', 'abc'), 2, 'whole number'),
            (('prefix', 'host', '88.4001', '--quota', '0'), 2, 'at least 1'),
            (('prefix', 'list', '--state', 'bogus'), 4, 'a state is applied'),
            (('prefix', 'list', '--state', 'unknown'), 4, 'a state is applied'),
            (('query', 'up{'), 4, 'parse error: unexpected end of input'),
            (('query', 'nothing'), 1, 'no series matches'),
            (('user', 'disable', 'zhao'), 1, 'there is no such user')):
        done = c.nation.ctl(*args, check=False)
        assert done.returncode == code and said in done.stderr.decode(), (
            args, done.returncode, done.stderr)
    _, answer = c.nation.get('/api/prefix-applications')
    assert '88.4001' not in [p['prefix'] for p in answer['prefixes']]
    assert c.nation.ctl('prefix', 'list', '--state', 'revoked').stdout == b''
    done = subprocess.run([DOUGONG, 'login', 'admin', '--node', c.nation.url],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert done.returncode == 2 and b'there was none' in done.stderr, done


@case('revoked: the link ends and stays away')
def _(c):
    c.province.ctl('prefix', 'suspend', '88.31.1001')
    until('the link is cut', lambda: not any(
        child['up'] for child in c.province.get('/api/tree')[1]['children']))
    assert c.enterprise.get('/readyz', )[0] == 200
    c.province.ctl('prefix', 'resume', '88.31.1001')
    until('a resumed child links again soon', lambda: any(
        child['up'] for child in c.province.get('/api/tree')[1]['children']),
        60)
    c.province.ctl('prefix', 'revoke', '88.31.1001')
    done = c.province.ctl('prefix', 'approve', '88.31.1001', check=False)
    assert done.returncode == 4 and b'revoked' in done.stderr, done


def main():
    with Chain() as chain:
        failed = 0
        for name, fn in DONE:
            try:
                fn(chain)
            except Exception as e:  # report all, then fail
                failed += 1
                print('not so: %s: %s: %s' % (name, type(e).__name__, e))
            for node in chain.nodes:
                assert node.process.poll() is None, '%s died at %s:\n%s' % (
                    node.prefix, name, node.tail())
        print('figure: %d kinds of bad input, %d not answered as they should' %
              (len(DONE), failed))
        assert failed == 0


if __name__ == '__main__':
    main()
