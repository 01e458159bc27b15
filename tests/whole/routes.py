#!/usr/bin/env python3
"""What every path of ours has in common: one way to page."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, Node  # noqa: E402


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
    done = node.ctl('return', 'list', '--pack', 'nope', check=False)
    assert done.returncode == 4 and b'no pack "nope"' in done.stderr, done


def main():
    with Pair() as c:
        paging(c)
        print('figure: %d listings read page by page' % len(LISTINGS))


if __name__ == '__main__':
    main()
