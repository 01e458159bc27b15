#!/usr/bin/env python3
"""The first five minutes, on a demonstration tree of its own: tests/node/
path.mjs as somebody who has never seen it.  Screenshots: console-path-*.png in
$TMPDIR (or /tmp).
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import BUILD, PATIENCE_S, TOP, free_base, until  # noqa: E402

FIRST_S = 300


def read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except FileNotFoundError:
        return ''


def filed(var):
    """What tools/filings says when it is through."""
    lines = read(os.path.join(var, 'filings/log')).splitlines()
    return lines and lines[-1].startswith('{') and json.loads(lines[-1])


def main():
    folder = os.environ.get('TMPDIR') or tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix='dougong-path-') as var:
        base = free_base(nodes=7)
        tree = subprocess.Popen(
            [os.path.join(TOP, 'tools/tree'), 'run', '--var', var, '--build',
             BUILD, '--base', str(base)], stdin=subprocess.DEVNULL)
        try:
            began = time.monotonic()
            until('a first figure', lambda: read(os.path.join(var, 'first')),
                  FIRST_S, 0.2)
            print('figure: first national figure after %s s' % read(
                os.path.join(var, 'first')))
            until('returns are filed', lambda: filed(var), FIRST_S, 0.2)
            done = subprocess.run(
                ['node', os.path.join(TOP, 'tests/node/path.mjs'),
                 'http://127.0.0.1:%d/' % base, folder,
                 read(os.path.join(var, '88/admin-link')),
                 'http://127.0.0.1:%d/' % (base + 10),
                 read(os.path.join(var, '88.31/admin-link'))], timeout=1500)
            assert done.returncode == 0, 'path.mjs: %d' % done.returncode
            print('figure: the path in %.0f s, with what the tree needed' %
                  (time.monotonic() - began))
        finally:
            tree.send_signal(signal.SIGTERM)
            tree.wait(PATIENCE_S)


main()
