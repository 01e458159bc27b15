#!/usr/bin/env python3
"""The demonstration tree's synthetic enterprises: what tools/filings files is
counted at the nation, one return waits with its question, and running it again,
after somebody has corrected one, changes nothing.
"""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, TOP, http, until

FIRMS, WINDOWS = 6, 3
PACK = 'stats/industry'


def filings(node):
    began = time.monotonic()
    done = subprocess.run(
        [os.path.join(TOP, 'tools/filings'), node.yaml],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout), time.monotonic() - began


def returns(node):
    _, page = node.get('/api/returns', pack=PACK, limit=500)
    assert page['next'] is None, page['next']
    return page['returns']


def whole(node, row):
    status, answer = node.get('/api/returns/%s' % row['id'])
    assert status == 200, answer
    return answer


def figure(node, metric, window):
    return node.get('/api/figures', pack=PACK, metric=metric, at=window,
                    parts=0)[1]


def the_nation_has_the_sum(chain, rows):
    """Of a month that is due: until the 17th of the next it is the province's
    alone."""
    for window in sorted({r['window'] for r in rows}):
        total = sum(int(whole(chain.province, r)['items']['revenue'])
                    for r in rows
                    if r['window'] == window and r['state'] == 'accepted')
        own = figure(chain.province, 'revenue', window)
        assert own['value'] == str(total), own
        if own['state'] == 'open':
            print('figure: %s is not due' % window)
            continue
        until('revenue of %s is %d' % (window, total), lambda: figure(
            chain.nation, 'revenue', window).get('value') == str(total))


def corrected(node, row):
    old = whole(node, row)
    items = {k: v for k, v in old['items'].items() if not k.endswith('_base')}
    items['export'] = '1'
    body = {'pack': PACK, 'unit': row['unit'], 'window': row['window'],
            'items': items, 'reason': 'error'}
    status, answer, _ = http(node.url + '/api/returns',
                             json.dumps(body).encode(),
                             {'Content-Type': 'application/json', **node.auth})
    assert status == 201, answer


def main():
    with Chain(extra='codes: {region: "310000"}\n') as chain:
        node = chain.province
        first, seconds = filings(node)
        assert first['firms'] == FIRMS, first
        assert first['filed'] == first['returns'] == FIRMS * WINDOWS * 2, first
        assert first['queried'] == 1, first
        rows = returns(node)
        assert len(rows) == first['returns']
        queried = [r for r in rows if r['state'] == 'queried']
        assert [r['unit'] for r in queried] == ['88.31.3006/enterprise']
        assert queried[0]['window'] == first['windows'][-1]
        assert {r['state'] for r in rows} == {'accepted', 'queried'}
        the_nation_has_the_sum(chain, rows)
        corrected(node, next(r for r in rows if r['state'] == 'accepted'))
        before = returns(node)
        again, _ = filings(node)
        assert again == {**first, 'filed': 0}, (first, again)
        assert returns(node) == before
        print('figure: %d firms filed %d returns in %.1f s' %
              (first['firms'], first['returns'], seconds))


main()
