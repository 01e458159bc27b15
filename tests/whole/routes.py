#!/usr/bin/env python3
"""What every path of ours has in common: one way to page, and a POST that is
sent again under its Idempotency-Key is done once."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, Node, http  # noqa: E402


class Pair(Chain):
    """A nation and an enterprise that know nothing of each other."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix='dougong-test-')
        self.nation = Node(self, '88', 'nation')
        self.enterprise = Node(self, '88.31.1001', 'enterprise')
        self.nodes = [self.nation, self.enterprise]


LISTINGS = (  # path, where the rows are, what names a row, parameters
    ('/api/users', 'users', 'user', {}),
    ('/api/keys', 'keys', 'id', {}),
    ('/api/devices', 'devices', 'id', {}),
    ('/api/prefix-applications', 'prefixes', 'prefix', {}),
    ('/api/audit/entries', 'entries', 'index', {}),
    ('/api/audit/heads', 'heads', 'tree_size', {}),
    ('/api/returns', 'returns', 'id', {}),
)


def pages(node, path, member, row, params, limit):
    """The names of all rows, read page by page."""
    seen, more = [], {}
    while True:
        status, page = node.get(path, limit=limit, **params, **more)
        assert status == 200, (path, status, page)
        assert len(page[member]) <= limit, (path, page)
        seen += [one[row] for one in page[member]]
        if page['next'] is None:
            return seen
        assert isinstance(page['next'], str) and page[member], (path, page)
        more = {'next': page['next']}


def paging(c):
    node = c.nation
    for i in range(5):
        node.ctl('user', 'add', 'user-%d' % i, '--roles', 'viewer')
        node.ctl('key', 'add', 'key-%d' % i, '--roles', 'viewer',
                 '--scope', '88')
        node.ctl('device', 'add', '88/pump-%d' % i)
        done = node.ctl('device', 'add', '77/pump-%d' % i, check=False)
        assert done.returncode == 4 and b'below 88,' in done.stderr, done
        node.ctl('prefix', 'approve', '88.%d' % (40 + i))
    for path, member, row, params in LISTINGS:
        whole = pages(node, path, member, row, params, 100)
        assert len(set(whole)) == len(whole), (path, whole)
        for limit in (1, 2, 5):
            got = pages(node, path, member, row, params, limit)
            # Sessions and logins may add entries meanwhile, at the end.
            assert got[:len(whole)] == whole, (path, limit, got, whole)
        for bad in ({'limit': 0}, {'limit': -1}, {'limit': 99999999},
                    {'limit': 'x'}, {'next': b'\xff\xfe'}):
            status, problem = node.get(path, **bad)
            assert status == 400 and problem['where'] in bad, (path, problem)
    assert len(pages(node, '/api/keys', 'keys', 'id', {}, 2)) >= 5
    done = node.ctl('key', 'list', '--limit', '2')
    said = done.stderr.decode().strip()
    assert len(done.stdout.splitlines()) == 2 and 'more: --next ' in said, done
    # What `next` names may be gone by then.
    last = said.split()[-1]
    node.ctl('key', 'revoke', last)
    rest = node.ctl('key', 'list', '--next', last).stdout.decode()
    assert not set(done.stdout.decode().split('\n')[:2]) & set(
        rest.splitlines()), (done.stdout, rest)
    done = node.ctl('audit', 'list', '--limit', '3')
    assert done.stderr.endswith(b'more: --next 2\n'), done.stderr
    for key, said in (('', b'dougong login'), ('dgk_no', b'dougong login')):
        done = node.ctl('user', 'list', check=False, key=key)
        assert done.returncode == 4 and said in done.stderr, done
    for query in ('sum(up)', 'rate(up[5m])', 'up + 1'):
        status, answer = node.get('/api/v1/query', query=query)
        assert status == 422 and 'not supported' in answer['error'], answer
    done = node.ctl('return', 'list', '--pack', 'nope', check=False)
    assert done.returncode == 4 and b'no pack "nope"' in done.stderr, done


def post(node, path, body, key, auth=None):
    """(status, answer, is it a repeat)."""
    headers = {**(node.auth if auth is None else auth),
               'Content-Type': 'application/json'}
    if key is not None:
        headers['Idempotency-Key'] = key
    status, answer, head = http(node.url + path, json.dumps(body).encode(),
                                headers, 'POST')
    return status, json.loads(answer), head.get('Idempotency-Replayed')


def once(c):
    """Sent again under its Idempotency-Key, a POST is not done again: neither
    at once, nor after kill -9; another request under that key is refused."""
    node = c.nation
    user = {'user': 'once', 'roles': ['viewer'], 'scope': '88'}
    first = post(node, '/api/users', user, '"k-1"')
    assert first[0] == 201 and not first[2], first
    again = post(node, '/api/users', user, 'k-1')
    assert again == (201, first[1], 'true'), again
    assert post(node, '/api/users', user, 'k-2')[0] == 409
    other = post(node, '/api/users', {**user, 'user': 'twice'}, 'k-1')
    assert other[0] == 422 and other[1]['code'] == 'MISMATCH', other
    assert other[1]['where'] == 'Idempotency-Key', other
    assert post(node, '/api/users', user, 'a key')[0] == 400
    # What was refused may come again, and be done then.
    assert post(node, '/api/users', {**user, 'roles': ['king']}, 'k-3')[0] >= 400
    assert post(node, '/api/users', {**user, 'user': 'third'}, 'k-3')[0] == 201
    # A key's secret is told once; a second key is not made.
    made = {'name': 'robot', 'roles': ['operator'], 'scope': '88'}
    status, answer, _ = post(node, '/api/keys', made, 'k-4')
    assert status == 201, answer
    auth = {'Authorization': 'Bearer ' + answer['secret']}
    assert answer['secret'] not in node.tail(1000)
    for _ in range(2):
        status, answer, _ = post(node, '/api/keys', made, 'k-4')
        assert status == 409 and 'told once' in answer['detail'], answer
        node.kill()
        node.start()
    keys = [k for k in node.get('/api/keys')[1]['keys'] if k['name'] == 'robot']
    assert len(keys) == 1, keys
    assert post(node, '/api/users', user, 'k-1') == (201, first[1], 'true')
    # Another principal has keys of his own.
    ask = '/api/prefix-applications'
    body = {'prefix': '88.77', 'name': 'Pumps', 'contact': 'Li',
            'uscc': '91350100M000100Y43', 'industry': 'C34',
            'region': '310000'}
    mine = post(node, ask, body, 'k-1', auth)
    assert mine[0] in (200, 201) and not mine[2], mine
    assert post(node, ask, body, 'k-1', auth) == (mine[0], mine[1], 'true')
    counted = node.metrics()
    assert counted['dougong_http_idempotency_total{result="repeated"}'] >= 2


def main():
    with Pair() as c:
        paging(c)
        once(c)
        print('figure: %d listings read page by page; repeats are not done again'
              % len(LISTINGS))


if __name__ == '__main__':
    main()
