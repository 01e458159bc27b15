#!/usr/bin/env python3
"""An enterprise that is hosted at the province files returns; it gets its own
node, without renaming.  While somebody keeps asking for its name and for the
nation's figure, both are right before, during and after; then it corrects its
return at its own node, and the nation's figure follows.  Wrong bundles change
nothing.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import PATIENCE_S, Chain, Node, http, until

PACK, WINDOW, BEFORE = 'stats/industry', '2026-09', '2026-08'
PREFIX = '88.31.2001'
NAME = PREFIX + '/enterprise'
OTHER = '88.31/firm'

ASKER = r'''
import json, sys, time, urllib.error, urllib.parse, urllib.request
sys.path.insert(0, sys.argv[1])
from chain import http
nation, key, name, value, stop = sys.argv[2:7]
import os
asked = late = 0
headers = {'Authorization': 'Bearer ' + key}
q = urllib.parse.urlencode({'pack': 'stats/industry', 'metric': 'revenue',
                            'at': '2026-09', 'parts': 0})
while not os.path.exists(stop):
    status, body, _ = http(nation + '/api/figures?' + q, headers=headers)
    answer = json.loads(body) if status == 200 else {}
    got = [answer.get(k) for k in ('value', 'reported', 'expected')]
    if [str(x) for x in got] != value.split():
        sys.exit('figure: %s %s' % (status, got))
    status, body, _ = http(nation + '/api/handles/' + name, headers=headers)
    answer = json.loads(body) if status else {}
    if answer.get('responseCode') == 3:  # not in 3 s: no wrong answer
        late += 1
        continue
    if not any(v['type'] == 'NAME' and v['data']['value'] == 'Firm'
               for v in answer.get('values', [])):
        sys.exit('name: %s %s' % (status, body[:300]))
    asked += 1
if late * 20 > asked:
    sys.exit('%d of %d not in time' % (late, asked + late))
print(asked)
'''


def values(revenue):
    """A month whose identities hold, in thousands of yuan."""
    return {'go': revenue, 'revenue': revenue, 'cost': revenue * 8 // 10,
            'profit': revenue // 20, 'current_assets': 100,
            'fixed_assets': 200, 'other_assets': 300, 'assets': 600,
            'liabilities': 100, 'staff': 20}


def file(node, unit, window, revenue, *more, verb='file', check=True):
    path = os.path.join(node.dir, 'return.csv')
    with open(path, 'w') as f:
        f.write('item,value\n')
        for item in values(revenue).items():
            f.write('%s,%s\n' % item)
    done = node.ctl('return', verb, path, '--pack', PACK, '--unit', unit,
                    '--window', window, '--json', *more, check=check)
    return json.loads(done.stdout or b'null'), done


def figure(node, window=WINDOW):
    status, answer = node.get('/api/figures', pack=PACK, metric='revenue',
                              at=window, parts=0)
    return [answer.get(k) for k in ('value', 'reported', 'expected')] \
        if status == 200 else None


def figure_is(node, value, reported=2, window=WINDOW):
    until('%s says %s' % (node.prefix, value), lambda: figure(
        node, window) == [str(value), reported, reported])


def below(entry):
    for one in entry.get('below', []):
        yield one
        yield from below(one)


def returns(node, window=WINDOW):
    """{unit: (revision, verdict, value)} of what the figure walks down to."""
    status, answer = node.get('/api/figures/explain', pack=PACK,
                              metric='revenue', at=window)
    assert status == 200, answer
    return {e['name']: (e['revision'], e['verdict'])
            for e in below({'below': answer['entries']})
            if e['kind'] == 'return'}


def post(node, path, body, kind='application/octet-stream'):
    status, answer, _ = http(node.url + path, body, method='POST',
                             headers={'Content-Type': kind, **node.auth})
    return status, answer


def prepare(chain):
    province = chain.province
    province.ctl('prefix', 'apply', PREFIX, '--name', 'Firm', '--uscc',
                 '91310000MA1K00001' + check_letter('91310000MA1K00001'),
                 '--industry', 'C34', '--region', '310000', '--contact', 'Li')
    province.ctl('prefix', 'host', PREFIX, '--quota', '100')
    province.ctl('register', OTHER, '--class', 'enterprise', 'CODE.ind=C34',
                 'CODE.region=310000')
    file(province, NAME, BEFORE, 900)
    for window, own, other in ((WINDOW, 1000, 50),):
        file(province, NAME, window, own - 1)
        file(province, NAME, window, own, '--reason', 'error', verb='correct')
        file(province, OTHER, window, other)
    figure_is(chain.nation, 1050)
    until('its name at the nation', lambda: chain.nation.get(
        '/api/handles/' + NAME)[0] == 200)


def check_letter(body):
    letters = '0123456789ABCDEFGHJKLMNPQRTUWXY'
    total = sum(letters.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return letters[(31 - total % 31) % 31]


def exported(chain, own):
    """From here on the host takes no return of it; taken back, it does."""
    province = chain.province
    old = os.path.join(own.dir, 'old')
    province.ctl('prefix', 'export', PREFIX, old)
    _, done = file(province, NAME, BEFORE, 901, '--reason', 'error',
                   verb='correct', check=False)
    assert done.returncode != 0 and b'not_owner' in done.stdout + done.stderr
    province.ctl('prefix', 'resume', PREFIX)
    answer, _ = file(province, NAME, BEFORE, 902, '--reason', 'error',
                     verb='correct')
    assert answer['revision'] == 2, answer
    bundle = os.path.join(own.dir, 'bundle')
    province.ctl('prefix', 'export', PREFIX, bundle)
    return old, bundle


def wrong_bundles(own, old, bundle):
    with open(bundle, 'rb') as f:
        good = f.read()
    path = '/api/prefix-applications/%s/import'
    spoilt = good.replace(b'DGR1', b'DGR2', 1)
    assert spoilt != good
    status, answer = post(own, path % PREFIX, spoilt)
    assert status == 403 and b'changed' in answer, (status, answer)
    status, answer = post(own, path % PREFIX, good[:-1])
    assert status in (400, 422) or b'whole' in answer, (status, answer)
    status, answer = post(own, path % '88.31.2002', good)
    assert status == 409 and b'for a node' in answer, (status, answer)
    assert own.get('/api/returns', pack=PACK)[1]['returns'] == []
    for rows in (True, False):
        got = json.loads(own.ctl('prefix', 'import', PREFIX, bundle).stdout)
        assert got['returns'] == 4 and got['figures'] == 2, got
        assert (got['figures_made'] > 0) == rows, got
    done = own.ctl('prefix', 'import', PREFIX, old, check=False)
    assert done.returncode != 0 and b'older' in done.stderr, done.stderr




def with_codes(own):
    with open(own.yaml, 'a') as f:
        f.write('codes: {ind: C34, region: "310000"}\n')


def moves(chain, own, bundle, old):
    own.start()
    done = own.ctl('prefix', 'import', PREFIX, bundle, check=False)
    assert done.returncode != 0 and b'ind=C34' in done.stderr, done.stderr
    own.stop()
    with_codes(own)
    own.start()
    wrong_bundles(own, old, bundle)
    own.stop()
    own.join()
    own.start()
    chain.nodes.append(own)
    until('its node has linked', lambda: chain.province.ctl(
        'prefix', 'moved', PREFIX, check=False).returncode == 0)
    figure_is(own, 1000, reported=1)
    until('the province has its figures as a child\'s', lambda: [
        p['from'] for p in chain.province.get(
            '/api/figures', pack=PACK, metric='revenue', at=WINDOW)[1]['parts']
        if p['from'] == PREFIX])


def afterwards(chain, own):
    nation, province = chain.nation, chain.province
    for window, total, reported in ((WINDOW, 1050, 2), (BEFORE, 902, 1)):
        for node in (nation, province):
            until('%s has %s' % (node.prefix, window), lambda: (figure(
                node, window) or ())[:2] == [str(total), reported])
    for node in (nation, province, own):
        found = returns(node)
        assert found[NAME] == (2, 'signed'), (node.prefix, found)
    # its history, receipts and signatures are there, with nobody to ask
    saved = os.path.join(own.dir, 'saved.json')
    own.ctl('return', 'show', PACK, NAME, WINDOW, '--save', saved)
    done = own.ctl('return', 'verify', saved)
    assert done.stdout.count(b'signature valid') == 3, done.stdout
    _, done = file(province, NAME, WINDOW, 7, '--reason', 'error',
                   verb='correct', check=False)
    assert done.returncode != 0, done.stdout
    answer, _ = file(own, NAME, WINDOW, 1200, '--reason', 'error',
                     verb='correct')
    assert answer['revision'] == 3 and answer['signature'] == 'valid', answer
    figure_is(nation, 1250)
    assert returns(nation)[NAME] == (3, 'signed'), returns(nation)
    assert returns(nation)[OTHER] == (1, 'signed')
    for node in (own, province, nation):
        node.kill()
        node.start()
    figure_is(nation, 1250)
    file(own, NAME, WINDOW, 1300, '--reason', 'error', verb='correct')
    figure_is(nation, 1350)


def main():
    with Chain() as chain:
        prepare(chain)
        own = Node(chain, PREFIX, 'enterprise', chain.province)
        stop = os.path.join(chain.dir, 'stop')
        asker = subprocess.Popen(
            [sys.executable, '-c', ASKER, os.path.join(
                os.path.dirname(os.path.abspath(__file__)), '..', 'lib'),
             chain.nation.url, chain.nation.key, NAME, '1050 2 2', stop],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            old, bundle = exported(chain, own)
            moves(chain, own, bundle, old)
        finally:
            open(stop, 'w').close()
            out, err = asker.communicate(timeout=2 * PATIENCE_S)
        assert asker.returncode == 0, err.decode()
        assert int(out) > 20, out
        print('move: %d times asked meanwhile, all answers right' % int(out))
        afterwards(chain, own)
        print('move: corrected at its own node, the nation follows')


main()
