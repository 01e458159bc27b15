#!/usr/bin/env python3
"""A child's certificate renews itself while its link stays up, and outlives the
one that it joined with. The parent gives certificates of 36 seconds."""
import os
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


def link(node):
    """The parent's line of what the child sees of the tree."""
    status, tree = node.get('/api/tree')
    assert status == 200, tree
    return tree['parent']


def main():
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(folder)
        nation = Node(pair, '88', 'nation',
                      extra='children: {max: 64, certificate: %ds}\n' % LIFE_S)
        province = Node(pair, '88.31', 'province', nation)
        try:
            nation.start()
            province.join()
            joined = time.monotonic()
            first = read(province)
            province.start()
            up = until('the link', lambda: link(province)['up'] and
                       link(province))
            second = until('a new certificate',
                           lambda: read(province) != first and read(province))
            until('the one after', lambda: read(province) != second)
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
