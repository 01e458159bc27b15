#!/usr/bin/env python3
"""The console of the nation, in a real browser, over a chain with a machine.

First its files as HTTP gives them, then tests/node/console.mjs visits the page.
Screenshots are left in $TMPDIR (or /tmp): console-PAGE-en.png, -zh.png and
-narrow.png.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import TOP, Chain, http, until  # noqa: E402

# A window that two messages fall into ends at most 70 s after the start and is
# whole 5 s later; three nodes pass it on.  Only a broken program needs so long:
WHOLE_MINUTE_S = 300
FIRM = '88.31/firm-1'
LAST_YEAR = {'go': '100000', 'revenue': '100000', 'cost': '80000',
             'profit': '5000', 'current_assets': '40000',
             'fixed_assets': '30000', 'other_assets': '5000',
             'assets': '75000', 'liabilities': '40000', 'staff': '200'}


def whole_minute(node):
    """The nation's newest minute, once the machine is counted in it."""
    def ready():
        status, figure = node.get('/api/figures', pack='host',
                                  metric='cpu_share')
        if status != 200 or figure.get('value') is None:
            return None
        counted = figure['reported'] == figure['expected'] == 1
        return figure if counted else None
    return until('a whole minute at %s' % node.prefix, ready, WHOLE_MINUTE_S,
                 0.2)


def check_files(url):
    """What the page loads is there, has a tag, and is not sent twice."""
    status, page, headers = http(url + '/')
    assert status == 200, status
    assert headers['Content-Type'] == 'text/html; charset=utf-8', headers
    assert "default-src 'self'" in headers['Content-Security-Policy']
    assert headers['X-Content-Type-Options'] == 'nosniff'
    assert headers['Referrer-Policy'] == 'no-referrer'
    assert headers['Cache-Control'] == 'no-cache'
    paths = ['/'] + re.findall(r'"(/console/[^"]+)"', page.decode())
    size = 0
    for path in paths:
        status, body, headers = http(url + path)
        assert status == 200 and body, (path, status)
        size += len(body)
        tag = headers['ETag']
        for asked in (tag, 'W/' + tag, '"x", ' + tag, '*'):
            status, body, headers = http(url + path,
                                         headers={'If-None-Match': asked})
            assert (status, body) == (304, b''), (path, asked, status)
            assert headers['ETag'] == tag
        status, _, _ = http(url + path, headers={'If-None-Match': '"x"'})
        assert status == 200, (path, status)
        status, body, headers = http(url + path, method='HEAD')
        assert (status, body) == (200, b''), (path, status)
        assert headers['ETag'] == tag
    status, body, headers = http(url + '/console/nothing.js')
    assert status == 404, status
    assert headers['Content-Type'].startswith('application/problem+json')
    status, _, headers = http(url + '/', data=b'x', method='POST')
    assert status == 405 and 'GET' in headers['Allow'], status
    print('figure: console %d files named by the page, %d bytes' %
          (len(paths), size))


def link_of(node):
    """The one-time link of a node's first administrator."""
    with open(os.path.join(node.dir, 'admin-link')) as f:
        return f.read().strip()


def register_firm(province):
    """An enterprise that files at the province, with a year behind it."""
    province.ctl('register', FIRM, '--class', 'enterprise', 'CODE.ind=C34',
                 'CODE.region=310000')
    status, body, _ = http(
        province.url + '/api/returns', json.dumps({
            'pack': 'stats/industry', 'unit': FIRM, 'window': '2025-09',
            'items': LAST_YEAR}).encode(),
        {'Content-Type': 'application/json', **province.auth})
    assert status == 201, (status, body)


def main():
    folder = os.environ.get('TMPDIR') or tempfile.gettempdir()
    with Chain(host=True) as chain:
        register_firm(chain.province)
        check_files(chain.nation.url)
        figure = whole_minute(chain.nation)
        print('figure: nation %s cpu_share %s' % (figure['window'],
                                                  figure['value']))
        visit = subprocess.run(
            ['node', os.path.join(TOP, 'tests/node/console.mjs'),
             chain.nation.url + '/', folder, link_of(chain.nation),
             chain.enterprise.url + '/', chain.province.url + '/',
             link_of(chain.province), link_of(chain.enterprise)],
            timeout=1500)
        assert visit.returncode == 0, 'console.mjs: %d' % visit.returncode


main()
