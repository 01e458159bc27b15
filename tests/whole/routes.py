#!/usr/bin/env python3
"""What every path of ours has in common: one way to page, and a POST that is
sent again under its Idempotency-Key is done once, and whatever is asked wrongly
gets a refusal in one form."""
import http.client
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import TOP, Chain, Node  # noqa: E402
from chain import http as fetch  # noqa: E402


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
    # Keys come in the order of their ids, which are random: the page ends with
    # one of ours, not with that which asks.
    names = [k['name'] for k in node.get('/api/keys', limit=100)[1]['keys']]
    limit = 2 if names[1].startswith('key-') else 3
    done = node.ctl('key', 'list', '--limit', str(limit))
    said = done.stderr.decode().strip()
    assert len(done.stdout.splitlines()) == limit, done
    assert 'more: --next ' in said, done
    # What `next` names may be gone by then.
    last = said.split()[-1]
    node.ctl('key', 'revoke', last)
    rest = node.ctl('key', 'list', '--next', last).stdout.decode()
    assert not set(done.stdout.decode().splitlines()) & set(
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
    status, answer, head = fetch(node.url + path, json.dumps(body).encode(),
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


# Whatever is asked wrongly, at every path of a node.
FILL = {'{prefix}': '88.44', '{verb}': 'approve', '{handle...}': '88/x',
        '{pack...}': 'host', '{pack}': 'host', '{id...}': '88/none',
        '{id}': '00ff', '{user}': 'nobody', '{name}': 'id'}
QUERIES = ('limit=0', 'limit=-1', 'limit=99999999', 'limit=x', 'next=%ff%fe',
           'next=' + 'a' * 3000, 'unknown=1', 'pack=%00', 'at=%zz',
           'pack=%ff&metric=%ff&at=%ff&unit=%ff&from=%ff&asof=%ff&hash=%ff',
           'query=%ff&start=%ff&end=%ff&step=%ff&time=%ff&match[]=%ff',
           '&'.join(['a=1'] * 80))
BODIES = (b'', b'not json', b'[]', b'null', b'{"a":1,"a":2}', b'\xff\xfe',
          b'{"user":"\xff"}', b'{"prefix":"\\u0000","user":"\\u0000"}',
          b'{"id":5,"name":[],"user":{},"pack":1,"items":5,"reason":7,'
          b'"days":"x","roles":"y","scope":3,"prefix":9,"kind":4}')


def paths():
    """Every pattern that stands in the tables of routes."""
    found = set()
    for folder, _, names in os.walk(os.path.join(TOP, 'src')):
        if os.path.basename(os.path.dirname(folder)) != 'api' \
                and not folder.endswith('src/app'):
            continue
        for name in names:
            if name.endswith('.c') and not name.endswith('_test.c'):
                with open(os.path.join(folder, name)) as f:
                    found |= set(re.findall(
                        r'"(/(?:api|console|healthz|readyz|metrics|\.well-known)'
                        r'[a-z0-9_./{}-]*)"', f.read()))
    return sorted(re.sub(r'{[^}]*}', lambda m: FILL.get(m.group(0), 'x'), p)
                  for p in found)


def ask(node, method, path, body=None, headers=None):
    """(status, headers, body) of a request that may be against all rules."""
    talk = http.client.HTTPConnection('127.0.0.1', node.port, timeout=60)
    try:
        talk.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**node.auth, **(headers or {})}.items():
            talk.putheader(name, value)
        if body is not None:
            talk.putheader('Content-Length', str(len(body)))
        talk.endheaders(body)
        answer = talk.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        talk.close()


def refusal(what, answer, status=None):
    """Is it a refusal in the form that its path promises?"""
    got, head, body = answer
    assert got < 500 or got in (501, 503), (what, answer)
    assert status is None or got == status, (what, answer)
    if got < 400:
        return
    said = json.loads(body)
    if head['Content-Type'] == 'application/problem+json':
        assert said['status'] == got and said['detail'], (what, said)
    else:  # the standards' own
        assert 'responseCode' in said or said['status'] == 'error', (what, said)
    assert got != 405 or head['Allow'], (what, head)
    assert got != 401 or head['WWW-Authenticate'], (what, head)


def reads(node, path):
    plain = ask(node, 'GET', path)
    refusal(path, plain)
    head = ask(node, 'HEAD', path)
    assert head[0] == plain[0] and head[2] == b'', (path, head)
    for query in QUERIES:
        refusal((path, query), ask(node, 'GET', path + '?' + query),
                400 if '%00' in query or '%zz' in query else None)
    return len(QUERIES) + 2


def writes(node, method, path):
    for body in BODIES:
        for kind in ('application/json', 'application/x-www-form-urlencoded'):
            refusal((method, path, kind, body), ask(
                node, method, path, body, {'Content-Type': kind}))
    refusal((method, path, 'huge'), ask(
        node, method, path, None, {'Content-Length': '99999999999'}), 413)
    return 2 * len(BODIES) + 1


def sweep(node):
    """Every path, with every method, asked wrongly: a refusal of its form, and
    the node goes on."""
    asked = seen = 0
    nobody = {'Authorization': ''}
    for path in paths():
        status, head, _ = ask(node, 'OPTIONS', path)
        if status == 404:
            continue  # of another role
        assert status == 204, (path, status)
        seen += 1
        for method in ('GET', 'POST', 'PUT', 'DELETE', 'PATCH'):
            body = None if method == 'GET' else b'{}'
            if method not in head['Allow'].split(', '):
                refusal((method, path), ask(node, method, path, body), 405)
                continue
            refusal((method, path), ask(node, method, path, body, nobody))
            asked += (reads(node, path) if method == 'GET'
                      else writes(node, method, path))
        asked += 7
    assert seen > 40 and node.process.poll() is None, (seen, node.tail())
    return '%d requests at %d paths' % (asked, seen)


def main():
    with Pair() as c:
        paging(c)
        once(c)
        print('figure: %s asked wrongly' % sweep(c.enterprise))
        print('figure: %d listings read page by page; repeats are not done again'
              % len(LISTINGS))


if __name__ == '__main__':
    main()
