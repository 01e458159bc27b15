"""A chain of real nodes on loopback, for the whole-program tests.

Every node is the real binary with its own folder and free ports; nothing is
shared with a chain that ./dev up runs.  Waiting is always for a condition,
with a deadline that only a broken program reaches.
"""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
DOUGONG = os.environ.get('DOUGONG', os.path.join(TOP, 'build/src/ctl/dougong'))
BUILD = os.environ.get('DOUGONG_BUILD', os.path.join(TOP, 'build'))
DOOR_OFFSETS = (0, 1, 2, 3, 6)
PATIENCE_S = 300  # only a broken program needs so long
HELD = []  # sockets, until the test ends


def hold(base):
    """Takes the doors of a node at this base port; None if one is not free.

    Bound first and made reusable afterwards, they can be had by a node (which
    binds with SO_REUSEADDR, and of two that do only one may listen), but not
    by another test's hold() nor by the kernel for an outgoing connection, also
    while the node is down."""
    held = []
    try:
        for offset in DOOR_OFFSETS:
            s = socket.socket()
            held.append(s)
            s.bind(('127.0.0.1', base + offset))
        with socket.socket(type=socket.SOCK_DGRAM) as s:  # Handle is UDP, too
            s.bind(('127.0.0.1', base + 2))
    except OSError:
        for s in held:
            s.close()
        return None
    for s in held:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return held


def free_base(nodes=1):
    """A base port for so many nodes, 10 apart; nobody else is given it."""
    for _ in range(500):
        base = random.randrange(20000, 32000 - 10 * nodes, 10)
        held = [hold(base + 10 * k) for k in range(nodes)]
        if all(held):
            HELD.append(held)
            return base
    raise RuntimeError('no free ports')


def until(what, condition, seconds=PATIENCE_S, pause=0.02):
    """Wait for condition() to be true (or to give a value) and return it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('not in %g s: %s' % (seconds, what))
        time.sleep(pause)


def http(url, data=None, headers=None, method=None, timeout=PATIENCE_S):
    """(status, body bytes, headers); 0 when nobody answers, or not to the
    end."""
    request = urllib.request.Request(url, data=data, headers=headers or {},
                                     method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        try:
            answer = opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as e:
            answer = e
        with answer:
            return answer.status, answer.read(), answer.headers
    except (OSError, HTTPException):
        return 0, b'', {}


class Node:
    def __init__(self, chain, prefix, role, parent=None, host=False,
                 extra='', profile='open'):
        self.chain, self.prefix, self.role = chain, prefix, role
        self.parent, self.process, self.port = parent, None, free_base()
        self.dir = os.path.join(chain.dir, prefix)
        os.makedirs(self.dir)
        self.yaml = os.path.join(self.dir, 'node.yaml')
        self.env = {}
        with open(self.yaml, 'w') as f:
            f.write('node: "%s"\nrole: %s\ndata: "%s"\nport: %d\n' % (
                prefix, role, self.dir, self.port))
            if 'packs_dir:' not in extra:
                f.write('packs_dir: "%s"\n' % os.path.join(TOP, 'packs'))
            if parent:
                f.write('parents: {ident: "%s", rollup: "%s"}\n' %
                        (parent.prefix, parent.prefix))
            if host:
                f.write('host: true\n')
            if role == 'enterprise' and 'doors:' not in extra:
                f.write('doors: {mqtt: {profile: %s}, '
                        'mqtts: {profile: %s}}\n' % (profile, profile))
            if 'anonymous:' not in extra:
                f.write('anonymous: viewer\n')
            f.write(extra)

    @property
    def url(self):
        return 'http://127.0.0.1:%d' % self.port

    def start(self, wait=True):
        log = open(os.path.join(self.dir, 'log'), 'ab')
        self.process = subprocess.Popen(
            [DOUGONG, 'serve', self.yaml], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, env={**os.environ, **self.env})
        log.close()
        if wait:
            self.ready()
        return self

    def ready(self):
        def up():
            if self.process.poll() is not None:
                raise AssertionError('%s ended with %s:\n%s' % (
                    self.prefix, self.process.returncode, self.tail()))
            return http(self.url + '/readyz')[0] == 200
        until('%s ready' % self.prefix, up)

    def linked(self):
        """Is the link to its parent up?"""
        status, tree = self.get('/api/tree')
        return status == 200 and tree['parent'] and tree['parent']['up']

    def tail(self, lines=15):
        try:
            with open(os.path.join(self.dir, 'log'), errors='replace') as f:
                return ''.join(f.readlines()[-lines:])
        except FileNotFoundError:
            return 'it was never started\n'

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=PATIENCE_S):
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.terminate()
        return self.process.wait(seconds)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def get(self, path, **params):
        if params:
            path += '?' + urllib.parse.urlencode(params)
        status, body, _ = http(self.url + path, headers=self.auth)
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body

    def samples(self, selector, start, end, step):
        """query_range as {labels tuple: {ms: text value}}."""
        status, answer = self.get('/api/v1/query_range', query=selector,
                                  start=start / 1000, end=end / 1000,
                                  step=step / 1000)
        assert status == 200, (status, answer)
        out = {}
        for series in answer['data']['result']:
            key = tuple(sorted(series['metric'].items()))
            out[key] = {round(float(t) * 1000): v for t, v in series['values']}
        return out

    def metrics(self):
        status, body, _ = http(self.url + '/metrics', headers=self.auth)
        assert status == 200
        out = {}
        for line in body.decode().splitlines():
            if line.startswith('#') or ' ' not in line:
                continue
            name, value = line.rsplit(' ', 1)
            out[name] = float(value)
        return out

    @property
    def key(self):
        """The administrator's key of this node, '' before its first serve."""
        try:
            with open(os.path.join(self.dir, 'keys', 'operator.key')) as f:
                return f.read().strip()
        except FileNotFoundError:
            return ''

    @property
    def auth(self):
        """The headers of this node's administrator."""
        return {'Authorization': 'Bearer ' + self.key} if self.key else {}

    def ctl(self, *args, check=True, node=None, key=None):
        key = (node or self).key if key is None else key
        done = subprocess.run(
            [DOUGONG, *args, '--node', (node or self).url],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=2 * PATIENCE_S,
            env={**os.environ, 'DOUGONG_KEY': key, 'XDG_STATE_HOME': self.dir})
        if check and done.returncode != 0:
            raise AssertionError('%s: %d %s' % (
                args, done.returncode, done.stderr.decode()))
        return done

    def join(self, token=None, again=False):
        if token is None:
            token = self.parent.ctl('prefix', 'approve',
                                    self.prefix).stdout.decode().strip()
        done = subprocess.run(
            [DOUGONG, 'join', '127.0.0.1:%d' % self.parent.port, token,
             '--config', self.yaml] + (['--again'] if again else []),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=2 * PATIENCE_S)
        assert done.returncode == 0, done.stderr.decode()
        return done


class Chain:
    """nation 88, province 88.31, enterprise 88.31.1001, joined, ready and
    linked."""

    def __init__(self, host=False, extra='', profile='open'):
        self.dir = tempfile.mkdtemp(prefix='dougong-test-')
        self.nation = Node(self, '88', 'nation', extra=extra)
        self.province = Node(self, '88.31', 'province', self.nation,
                             extra=extra)
        self.enterprise = Node(self, '88.31.1001', 'enterprise', self.province,
                               host=host, extra=extra, profile=profile)
        self.nodes = [self.nation, self.province, self.enterprise]

    def __enter__(self):
        try:
            for node in self.nodes:
                if node.parent:
                    node.join()
                node.start()
            for node in self.nodes:
                if node.parent:
                    until('%s is linked' % node.prefix, node.linked)
            return self
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, kind, value, trace):
        bad = []
        for node in reversed(self.nodes):
            if node.process and node.process.poll() is None:
                try:
                    code = node.stop()
                    if code != 0:
                        bad.append('%s ended with %s' % (node.prefix, code))
                except subprocess.TimeoutExpired:
                    node.kill()
                    bad.append('%s did not stop' % node.prefix)
        if kind is not None:
            for node in self.nodes:
                sys.stderr.write('--- log of %s\n%s' % (node.prefix,
                                                        node.tail(25)))
        if kind is None or not os.environ.get('DOUGONG_KEEP'):
            shutil.rmtree(self.dir, ignore_errors=True)
        if kind is None and bad:
            raise AssertionError('; '.join(bad))
