#!/usr/bin/env python3
"""Names: any name from any node, also with nodes away.

A nation, a province, an enterprise and a public recursive node; what is asked
goes up and down the tree, is kept by the recursive node, and a change is seen
there at once.
"""
import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, Node, http, until  # noqa: E402

HOST = '88.31.1001/host'


def resolve(node, name, *more):
    """(exit code, answer, {} if there is none; standard error)."""
    done = node.ctl('resolve', name, '--json', *more, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {}
    return done.returncode, answer, done.stderr.decode()


def values(node, name, *more):
    """Asked again while one on the way does not answer within its 3 s."""
    code, answer, why = until('%s at %s' % (name, node.prefix), lambda: (
        lambda said: said[0] != 3 and said)(resolve(node, name, *more)))
    assert code == 0, (node.prefix, name, code, why)
    return answer['values']


def put(node, name, body, **params):
    url = '%s/api/handles/%s?%s' % (node.url, urllib.parse.quote(name, ''),
                                    urllib.parse.urlencode(params))
    status, answer, _ = http(url, json.dumps(body).encode(), method='PUT',
                             headers={'Content-Type': 'application/json',
                                      **node.auth})
    return status, json.loads(answer)


def everywhere(nodes):
    until('the machine is registered', lambda: resolve(
        nodes[2], HOST)[0] == 0)
    first = values(nodes[2], HOST)
    assert {'CLASS', 'HS_ADMIN'} == {v['type'] for v in first}, first
    for node in nodes:
        # the links come up one after the other
        until('%s finds it' % node.prefix,
              lambda: resolve(node, HOST)[0] == 0)
        assert values(node, HOST) == first, node.prefix
        assert values(node, HOST.upper()) == first, node.prefix
    _, answer, _ = resolve(nodes[3], '88.31.1001/HOST', '--trace')
    assert answer['handle'] == '88.31.1001/HOST'
    assert answer['registered'] == HOST
    print('names: %s has equal values at %s' % (
        HOST, ', '.join(n.prefix for n in nodes)))


def ways(nodes):
    """The first question goes up and down; the second stops at the cache."""
    name = '88.31.1001/pump-1'
    status, answer = put(nodes[2], name, [
        {'index': 1, 'type': 'CLASS', 'data': 'pump'},
        {'index': 2, 'type': 'URL', 'data': 'http://a', 'ttl': 3600}])
    assert status == 201, (status, answer)

    def way():
        _, answer, _ = resolve(nodes[3], name, '--trace')
        return [(h['node'], h['what']) for h in answer.get('hops', ())]
    assert way() == [('88.900', 'up'), ('88', 'down'),
                     ('88.31.1001', 'held')], way()
    # The hint of its registration may still be under way.
    until('it comes from the cache', lambda: way() == [('88.900', 'cache')])
    status, answer = put(nodes[2], name,
                         [{'index': 2, 'type': 'URL', 'data': 'http://b'}])
    assert status == 200 and answer['revision'] == 2, answer
    until('the change at the recursive node', lambda: [
        v['data']['value'] for v in values(nodes[3], name)] == ['http://b'])
    done = nodes[2].ctl('register', '88.31.1001/pump-2', 'URL=http://c',
                        '--class', 'pump')
    assert done.returncode == 0
    assert [v['type'] for v in values(nodes[0], '88.31.1001/pump-2')] == [
        'CLASS', 'URL']
    assert [v['type'] for v in values(nodes[0], '88.31.1001/pump-2', '--type',
                                      'url')] == ['URL']
    print('names: asked up and down, then from the cache; a change is seen')


def sites(nodes):
    """The nation answers for every prefix of the tree itself."""
    def said(answer):
        """Without the times: who granted it and who serves it each wrote its
        part, and at another second."""
        return [{k: v for k, v in one.items() if k != 'timestamp'}
                for one in answer]

    def there():
        """As its node has it: what it announces comes in steps."""
        code, answer, _ = resolve(nodes[0], '0.NA/88.31.1001', '--trace')
        return code == 0 and len(answer['values']) >= 5 and \
            said(answer['values']) == said(
                values(nodes[2], '0.NA/88.31.1001')) and answer
    answer = until('0.NA/88.31.1001 at the nation', there)
    assert [h['what'] for h in answer['hops']] == ['held'], answer['hops']
    types = {v['index']: v['type'] for v in answer['values']}
    assert types[1] == 'HS_SITE' and types[100] == 'HS_ADMIN', types
    assert [types.get(i) for i in (300, 301, 302)] == ['HS_PUBKEY'] * 3, types
    site = answer['values'][0]['data']['value']
    ports = {i['port'] for s in site['servers'] for i in s['interfaces']}
    assert nodes[2].port in ports, site
    for node in nodes:
        # what was asked for before may be remembered until its hint comes
        until('the same at %s' % node.prefix, lambda: said(
            values(node, '0.NA/88.31.1001')) == said(answer['values']))
        assert resolve(node, '88.31.1001')[0] == 0, node.prefix
    status, listed = nodes[0].get('/api/prefixes')
    assert {p['prefix'] for p in listed['prefixes']} == {
        '88', '88.31', '88.31.1001', '88.900'}, listed
    print('names: 0.NA/88.31.1001 is held by the nation, equal everywhere')


def bad(nodes):
    enterprise, recursive = nodes[2], nodes[3]
    for node in nodes:
        code, _, why = resolve(node, '88.31.1001/nobody')
        assert code == 1 and 'code 100' in why, (node.prefix, code, why)
        code, _, why = resolve(node, '88.31.77/x')
        assert code == 1 and '88.31.77' in why, (node.prefix, code, why)
        code, _, why = resolve(node, '99.1/x')
        assert code == 1 and '99.1' in why, (node.prefix, code, why)
    assert resolve(recursive, 'no prefix/x')[0] == 1
    status, answer = put(enterprise, '88.31.1001/' + 'x' * 260, [])
    assert status == 400 and answer['responseCode'] == 102, answer
    url = enterprise.url + '/api/handles/88.31.1001/%ff'
    status, body, _ = http(url)
    assert status == 400, (status, body)
    status, answer = put(enterprise, '88.31/x', [])
    assert status in (400, 403), (status, answer)
    status, answer = put(enterprise, '88.31.1001/x',
                         [{'index': 0, 'type': 'URL', 'data': 'a'}])
    assert status == 400 and answer['responseCode'] == 202, answer
    status, answer = put(enterprise, '88.31.1001/x',
                         [{'index': 1, 'type': 'URL',
                           'data': {'format': 'base64', 'value': '!'}}])
    assert status == 400 and answer['field'] == 'values[0].data.value', answer
    status, body, _ = http(enterprise.url + '/api/handles/88.31.1001%2Fx',
                           b'[{"index":', method='PUT',
                           headers={'Content-Type': 'application/json',
                                    **enterprise.auth})
    assert status == 400 and b'column' in body, body
    status, answer = put(enterprise, '88.31.1001/x',
                         [{'index': 1, 'type': 'URL', 'data': 'a'}],
                         overwrite='false')
    assert status == 201, answer
    status, answer = put(enterprise, '88.31.1001/x', [], overwrite='false')
    assert status == 409 and answer['responseCode'] == 101, answer
    print('names: what is wrong is refused with code, field and place')


def bulk(nodes):
    enterprise = nodes[2]
    path = os.path.join(enterprise.dir, 'rows.ndjson')
    with open(path, 'w') as f:
        for i in range(2500):
            f.write(json.dumps({
                'op': 'create', 'id': '88.31.1001/b-%04d' % i, 'if': 'absent',
                'values': [{'index': 1, 'type': 'URL',
                            'data': 'http://b/%d' % i}]}) + '\n')
        f.write('{"op": "create", "id": "99/x"}\nnot json\n')
    done = enterprise.ctl('load', path, check=False)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1 and lines[-1] == '2502 rows, 2 refused', lines
    refused = [json.loads(line) for line in lines[:-1]]
    assert [r['row'] for r in refused] == [2501, 2502], refused
    done = enterprise.ctl('load', path, check=False)  # again: nothing is made
    assert done.stdout.decode().splitlines()[-1] == '2502 rows, 2502 refused'
    status, page = enterprise.get('/api/handles', prefix='88.31.1001', page=3,
                                  pageSize=1000)
    assert status == 200 and page['handles'] == [], page
    status, page = enterprise.get('/api/handles', prefix='88.31.1001', page=1,
                                  pageSize=50)
    assert len(page['handles']) == 50 and int(page['totalCount']) >= 2502, page
    assert values(nodes[3], '88.31.1001/b-2499')
    print('names: 2,500 loaded by one command; again changes nothing')


def life(nodes):
    enterprise, recursive = nodes[2], nodes[3]
    name = '88.31.1001/pump-2'
    enterprise.ctl('register', name, '--state', 'suspended', '--reason',
                   'inspection')
    code, answer, why = resolve(recursive, name)
    assert code == 1 and 'suspended: inspection' in why, (code, why)
    enterprise.ctl('register', name, '--state', 'active')
    until('active again', lambda: resolve(recursive, name)[0] == 0)


FIRM = ('--name', 'Pump works', '--industry', 'C34', '--region', '310000',
        '--contact', 'Anna')


def hosted(nodes):
    """An enterprise without a node: applied for, approved, kept by its
    province; its names resolve from anywhere."""
    province = nodes[1]
    for uscc, industry, word in (('91350100M000100Y44', 'C34', b'credit code'),
                                 ('91350100M000100Y43', 'X99', b'X99')):
        done = province.ctl('prefix', 'apply', '88.31.2001', *FIRM, '--uscc',
                            uscc, '--industry', industry, check=False)
        assert done.returncode == 4 and word in done.stderr, done.stderr
    province.ctl('prefix', 'apply', '88.31.2001', *FIRM, '--uscc',
                 '91350100M000100Y43')
    done = province.ctl('prefix', 'list', '--state', 'applied')
    assert done.stdout.split()[0] == b'88.31.2001', done.stdout
    assert resolve(nodes[0], '0.NA/88.31.2001')[0] == 1  # not granted yet
    province.ctl('prefix', 'host', '88.31.2001', '--quota', '3', '--reason',
                 'has no node')
    province.ctl('register', '88.31.2001/m-1', 'URL=http://m', '--class',
                 'machine')
    province.ctl('register', '88.31.2001/m-2', 'URL=http://m')
    done = province.ctl('register', '88.31.2001/m-3', 'URL=http://m',
                        check=False)
    assert done.returncode == 4 and b'3 names' in done.stderr, done.stderr
    until('the hosted prefix at the nation', lambda: resolve(
        nodes[0], '0.NA/88.31.2001')[0] == 0)
    first = values(province, '88.31.2001/m-1')
    for node in nodes:
        assert values(node, '88.31.2001/m-1') == first, node.prefix
        firm = values(node, '88.31.2001/enterprise')
        assert [v['type'] for v in firm] == ['CLASS', 'NAME', 'USCC'], firm
        record = values(node, '0.NA/88.31.2001')
        assert {v['index']: v['type'] for v in record}[302] == 'HS_PUBKEY'
        assert {'CODE.ind', 'CODE.region'} <= {v['type'] for v in record}
    shown = json.loads(province.ctl('prefix', 'show', '88.31.2001',
                                    '--json').stdout)
    assert [s['verb'] for s in shown['application']['steps']] == [
        'apply', 'host'], shown
    print('names: a hosted enterprise, its quota and its key; from anywhere')


def moved(chain):
    """The hosted enterprise gets its own node; no name changes, and each is
    right before, during and after."""
    nodes = chain.nodes
    province, name = nodes[1], '88.31.2001/m-1'
    first = values(province, name)

    def right(asked, word):
        for node in asked:
            assert values(node, name) == first, (node.prefix, word)
    own = Node(chain, '88.31.2001', 'enterprise', province,
               extra='codes: {ind: C34, region: "310000"}\n')
    path = os.path.join(own.dir, 'bundle')
    done = province.ctl('prefix', 'moved', '88.31.2001', check=False)
    assert done.returncode == 4 and b'export' in done.stderr, done.stderr
    province.ctl('prefix', 'export', '88.31.2001', path)
    assert os.stat(path).st_mode & 0o77 == 0
    done = province.ctl('register', name, '--state', 'suspended', check=False)
    assert done.returncode == 3 and b'moves' in done.stderr, done.stderr
    right(nodes, 'exported')
    own.start()
    with open(path, 'rb') as f:
        bundle = f.read()
    spoilt = bundle.replace(b'http://m', b'http://n', 1)
    status, body, _ = http(
        own.url + '/api/prefix-applications/88.31.2001/import', spoilt,
        headers={'Content-Type': 'application/octet-stream', **own.auth},
        method='POST')
    assert status == 403 and b'changed' in body, (status, body)
    for rows in (3, 0):
        got = json.loads(own.ctl('prefix', 'import', '88.31.2001',
                                 path).stdout)
        assert got['rows'] == 3 and got['made'] == rows, got
    own.stop()
    own.join()
    own.start()
    chain.nodes.append(own)
    right(nodes, 'joined')
    until('its node has linked', lambda: province.ctl(
        'prefix', 'moved', '88.31.2001', check=False).returncode == 0)
    for node in nodes:
        until('right at %s' % node.prefix, lambda: resolve(
            node, name)[1].get('values') == first)
    until('the nation asks its own node', lambda: [h['node'] for h in resolve(
        nodes[0], name, '--trace')[1].get('hops', ())] == ['88', '88.31.2001'])
    own.ctl('register', '88.31.2001/m-9', 'URL=http://new')
    until('a new name at the recursive node', lambda: resolve(
        nodes[3], '88.31.2001/m-9')[0] == 0)
    def ports():
        site = values(nodes[0], '0.NA/88.31.2001', '--type', 'HS_SITE')
        return {i['port'] for one in site
                for s in one['data']['value']['servers']
                for i in s['interfaces']}
    until('the nation names its doors', lambda: own.port in ports())
    print('names: a hosted enterprise moved to its own node without renaming')


def away(nodes):
    """The nation stops: everybody below still resolves his own."""
    nation, province, enterprise, recursive = nodes
    known = values(recursive, HOST)
    nation.stop()
    for node in (province, enterprise):
        assert values(node, HOST) == known, node.prefix
        assert resolve(node, '0.NA/88.31.1001')[0] == 0, node.prefix
    code, answer, why = resolve(enterprise, '88.44.1/x')
    assert code == 3 and answer['responseCode'] == 3, (code, answer)
    assert 'cannot be asked now' in why, why
    assert values(recursive, HOST) == known  # remembered
    status, answer = put(enterprise, '88.31.1001/late',
                         [{'index': 1, 'type': 'URL', 'data': 'late'}])
    assert status == 201, answer
    province.stop()
    assert values(enterprise, HOST) == known
    province.start()
    nation.start()
    until('the late name at the recursive node', lambda: resolve(
        recursive, '88.31.1001/late')[0] == 0, pause=0.5)
    print('names: with the nation stopped, all below resolve their own')


def denied(nodes):
    """A suspended and a revoked prefix answer as such, also from a cache."""
    province, recursive = nodes[1], nodes[3]
    until('known at the recursive node', lambda: resolve(
        recursive, HOST)[0] == 0)
    for verb, word in (('suspend', 'suspended'), ('resume', None),
                       ('revoke', 'revoked')):
        province.ctl('prefix', verb, '88.31.1001')
        if word is None: # it was refused, and would wait for minutes
            nodes[2].stop()
            nodes[2].start()
            until('resumed', lambda: resolve(recursive, HOST)[0] == 0, pause=0.5)
            continue
        for node in (nodes[0], province, recursive):
            until('%s at %s' % (word, node.prefix), lambda: word in resolve(
                node, HOST)[2])
    print('names: suspended and revoked prefixes say so at once')


def main():
    with Chain(host=True) as chain:
        recursive = Node(chain, '88.900', 'recursive', chain.nation)
        chain.nodes.append(recursive)
        recursive.join()
        recursive.start()
        until('the recursive node is linked', lambda: resolve(
            recursive, '0.NA/88')[0] == 0)
        for step in (everywhere, ways, sites, bad, bulk, life, hosted):
            step(chain.nodes)
        moved(chain)
        for step in (away, denied):
            step(chain.nodes[:4])


if __name__ == '__main__':
    main()
