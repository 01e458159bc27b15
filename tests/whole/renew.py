#!/usr/bin/env python3
"""A child's certificate renews itself while its link stays up, and outlives the
one that it joined with. The parent gives certificates of 36 seconds, and renews
those of its own doors as often."""
import os
import ssl
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Node, until  # noqa: E402

LIFE_S = 36  # renewed with a third of it left: so long may a machine pause


class Pair:
    def __init__(self, folder):
        self.dir = folder


def read(node):
    with open(os.path.join(node.dir, 'keys/tier.pem'), 'rb') as f:
        return f.read()


def shown(node, door):
    """The certificate that a door shows."""
    return ssl.get_server_certificate(('127.0.0.1', node.port + door))


def link(node):
    """The parent's line of what the child sees of the tree."""
    status, tree = node.get('/api/tree')
    assert status == 200, tree
    return tree['parent']


def main():
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(folder)
        nation = Node(pair, '88', 'nation',
                      extra='children: {max: 64, certificate: %ds}\n'
                            'engines: [ident, stream, rollup]\n'
                            'doors: {mqtt: {profile: open}, '
                            'mqtts: {profile: open}}\n' % LIFE_S)
        province = Node(pair, '88.31', 'province', nation)
        try:
            nation.start()
            province.join()
            joined = time.monotonic()
            doors = {door: shown(nation, door) for door in (0, 6)}
            first = read(province)
            province.start()
            up = until('the link', lambda: link(province)['up'] and
                       link(province))
            second = until('a new certificate',
                           lambda: read(province) != first and read(province))
            until('the one after', lambda: read(province) != second)
            for door, before in doors.items():
                until('a new certificate of +%d' % door,
                      lambda: shown(nation, door) != before)
            now = link(province)
            assert now['up'] and now['since_ms'] == up['since_ms'], (up, now)
            assert time.monotonic() - joined > LIFE_S, 'the first is still good'
            nation.kill()
            until('the link is lost', lambda: not link(province)['up'])
            nation.start()
            until('the link with the new certificate',
                  lambda: link(province)['up'])
            print('two renewals in %.0f s; the link stayed up, and came back '
                  'after the first certificate had expired'
                  % (time.monotonic() - joined))
        finally:
            for node in (province, nation):
                if node.process:
                    node.kill()


if __name__ == '__main__':
    main()
