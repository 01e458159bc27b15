#!/usr/bin/env python3
"""Who may do what: every cell of the table of roles and actions, tried both
ways through HTTP on a real node, against a table written here by hand."""
import collections
import itertools
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, http, until  # noqa: E402
from mqtt import Publisher  # noqa: E402

ROLES = ['viewer', 'operator', 'rule-author', 'approver', 'auditor',
         'administrator', 'nobody', 'device', 'node']
# One letter per role, in that order; written apart from the program's table.
EXPECTED = {
    'open':     'yyyyyyyyy', 'self':     'yyyyyyyyy', 'resolve':  'yyyyyyyyy',
    'figures':  'yyyyyyyyy', 'names':    'yyyyyy--y', 'series':   'yyyyyy-yy',
    'state':    'yyyyyy--y', 'ingest':   '-y---y-y-', 'register': '-y---y---',
    'returns':  '-y---y---', 'prefixes': '---y-y---', 'seal':     '---y-y---',
    'break':    '-----y---', 'users':    '-----y---', 'audit':    '----yy---',
}
# What needs each right, at a nation's node.
PROBES = {
    'open':     ('GET', '/healthz', None),
    'self':     ('GET', '/api/sessions/this', None),
    'resolve':  ('GET', '/api/prefixes', None),
    'figures':  ('GET', '/api/figures/packs', None),
    'names':    ('GET', '/api/returns', None),
    'series':   ('GET', '/api/v1/labels', None),
    'state':    ('GET', '/metrics', None),
    'register': ('POST', '/api/handles', {}),
    'returns':  ('GET', '/api/returns/forms/stats/industry?unit=88/x', None),
    'break':    ('GET', '/api/break', None),
    'prefixes': ('POST', '/api/prefix-applications/88.77/approve', {}),
    'seal':     ('POST', '/api/figures/host/seal', {}),
    'users':    ('GET', '/api/users', None),
    'audit':    ('GET', '/api/audit/entries', None),
}
PASSWORD = 'a long enough password'


def ask(node, method, path, body=None, cookie=None, key=None, more=None):
    headers = {'Content-Type': 'application/json', **(more or {})}
    if cookie:
        headers['Cookie'] = cookie
    if key:
        headers['Authorization'] = 'Bearer ' + key
    data = None if body is None else json.dumps(body).encode()
    status, answer, head = http(node.url + path, data, headers, method)
    try:
        return status, json.loads(answer), head
    except ValueError:
        return status, answer, head


def cookie_of(head):
    whole = head['Set-Cookie']
    assert 'HttpOnly' in whole and 'SameSite=Strict' in whole, whole
    return whole.split(';')[0]


def login(node, user, password=PASSWORD):
    status, answer, head = ask(node, 'POST', '/api/sessions',
                               {'user': user, 'password': password})
    assert status == 201, (status, answer)
    return cookie_of(head)


def user(node, name, roles, scope):
    """A user with a password; his session's cookie."""
    node.ctl('user', 'add', name, '--roles', roles, '--scope', scope)
    link = node.ctl('user', 'link', name).stdout.decode().strip()
    assert link.startswith(node.url + '/#/login?link=dgl_'), link
    status, answer, head = ask(node, 'POST', '/api/sessions',
                               {'link': link.split('link=')[1]})
    assert status == 201 and answer['name'] == name, answer
    cookie = cookie_of(head)
    status, _, _ = ask(node, 'PUT', '/api/sessions/this/password',
                       {'old': '', 'new': PASSWORD}, cookie)
    assert status == 204, status
    return login(node, name)


def table(c):
    node = c.nation
    rows = json.loads(node.ctl('rights', '--json').stdout)
    told = {row['action']: ''.join('y' if r in row['roles'] else '-'
                                   for r in ROLES) for row in rows}
    assert told == EXPECTED, told
    assert ask(node, 'GET', '/api/rights')[1]['rights'] == rows
    cells = 0
    for i, role in enumerate(ROLES[:7]):
        cookie = None
        if role != 'nobody':
            cookie = user(node, 'the-' + role, role, '88')
        for action, (method, path, body) in PROBES.items():
            status, answer, _ = ask(node, method, path, body, cookie)
            refused = 401 if role == 'nobody' else 403
            if EXPECTED[action][i] == 'y':
                assert status not in (0, 401, 403), (role, action, status,
                                                     answer)
            else:
                assert status == refused, (role, action, status, answer)
                assert '"%s"' % action in answer['detail'], answer
            cells += 1
    print('figure: %d cells of roles x actions through HTTP' % cells)


def scopes(c):
    far = user(c.enterprise, 'far', 'viewer', '88.44')
    near = user(c.enterprise, 'near', 'viewer', '88.31.1001/host')
    labels = '/api/v1/label/id/values'
    own = '88.31.1001/host'
    until('the host is seen', lambda: own in ask(
        c.enterprise, 'GET', labels, None, near)[1]['data'])
    assert ask(c.enterprise, 'GET', labels, None, far)[1]['data'] == []
    query = '/api/v1/query?query=host_cpu_seconds_total'
    assert ask(c.enterprise, 'GET', query, None, far)[1]['data'][
        'result'] == []
    assert ask(c.enterprise, 'GET', query, None, near)[1]['data']['result']
    # From the nation the question goes down: it is not even asked.
    down = '/api/v1/query?query=host_cpu_seconds_total%7Bid=%22' + own + '%22%7D'
    far = user(c.nation, 'far', 'viewer', '88.44')
    status, answer, _ = ask(c.nation, 'GET', down, None, far)
    assert status == 403 and '88.31.1001' in answer['detail'], answer
    near = user(c.nation, 'near', 'viewer', '88.31')
    assert ask(c.nation, 'GET', down, None, near)[0] == 200
    # Whoever administers a part gives no more than it, and sees no more.
    boss = user(c.nation, 'boss', 'administrator', '88.31')
    names = [u['user'] for u in ask(c.nation, 'GET', '/api/users', None,
                                    boss)[1]['users']]
    assert sorted(names) == ['boss', 'near'], names
    for scope, status in (('88.44', 403), ('*', 403), ('88.31.1001', 201)):
        got, answer, _ = ask(c.nation, 'POST', '/api/users', {
            'user': 'x', 'roles': ['viewer'], 'scope': scope}, boss)
        assert got == status, (scope, got, answer)
    got, _, _ = ask(c.nation, 'POST', '/api/prefix-applications/88.44/approve',
                    {}, boss)
    assert got == 403, got


def units(entries):
    """Names of the units of an explanation, None where there is none."""
    out = []
    for e in entries:
        if e['kind'] == 'unit':
            assert e['name'] or not (e['below'] or 'digest' in e), e
            out.append(e['name'])
        out += units(e['below'])
    return out


def unit_names(c):
    """A figure is for anybody, names of its units for whose scope has them:
    at the node itself, and from the nation, which asks those below."""
    unit = '88.31.1001/host'
    asks = {}
    for node in (c.enterprise, c.nation):
        asks[node] = [
            (None, None),
            (user(node, 'other', 'administrator', '88.44'), None),
            (user(node, 'hosted', 'operator', '88.31.1001/other'), None),
            (user(node, 'own', 'viewer', unit), unit),
            (user(node, 'above', 'viewer', '88.31'), unit)]
    path = '/api/figures/explain?pack=host&metric=cpu_share'
    until('the figure is explained', lambda: units(ask(
        c.nation, 'GET', path, None, asks[c.nation][4][0])[1].get(
            'entries', [])) == [unit], 300)
    tried = 0
    for node, askers in asks.items():
        for cookie, want in askers:
            status, answer, _ = ask(node, 'GET', path, None, cookie)
            assert status == 200 and units(answer['entries']) == [want], (
                node.prefix, want, answer)
            assert want or unit not in json.dumps(answer), answer
            tried += 1
    for cookie, want in asks[c.enterprise]:
        for path in ('/api/figures?pack=host&metric=cpu_share',
                     '/api/figures/coverage?pack=host'):
            answer = ask(c.enterprise, 'GET', path, None, cookie)[1]
            assert [p['from'] for p in answer['parts']] == [want], answer
            assert answer['expected'] == 1, answer
            tried += 1
        window = answer['window']
        path = '/api/figures/table?pack=host&parts=1&at=' + window
        answer = ask(c.enterprise, 'GET', path, None, cookie)[1]
        assert answer['hidden'] == (0 if want else 1), answer
        assert (unit in json.dumps(answer)) == bool(want), answer
        tried += 1
    print('figure: %d figures asked for, names of units where they may be'
          % tried)


def say(node, name, user, secret, version, topic):
    """What became of one PUBLISH: CONNACK's code, PUBACK's, or 'closed'."""
    try:
        publisher = Publisher(node.port + 1, name, version, user=user,
                              password=secret)
    except OSError as e:
        return 'connack ' + str(e).split()[-1][2:4]
    publisher.publish(topic, '1')
    try:
        until('an answer', lambda: publisher.pump(0.2) or publisher.acked)
    except OSError:
        return 'closed'
    return 'puback %02x' % publisher.acked[1]


def who_guesses_waits(guess, right):
    """1 s after the fourth guess, twice as long after each later one, and the
    right secret waits, too; both give 'no', 'wait' or 'yes'.  Where this machine
    paused for longer than the wait, nothing is said: one more guess."""
    for _ in range(3):
        assert guess() == 'no'
    wait, began = 0.5, 0

    def answered():
        nonlocal began
        began = time.monotonic()
        return guess() == 'no'

    def waits():
        return time.monotonic() < began + wait
    while True:
        until('a guess is answered', answered)
        wait *= 2
        seen = [guess(), guess()]
        if waits():
            assert seen == ['wait', 'wait'], seen
            last = right()
            if waits():
                assert last == 'wait', last
                return
            if last == 'yes':  # everything is forgotten
                return who_guesses_waits(guess, right)


def ingest(c):
    node, topic = c.enterprise, 'd/88.31.1001/probe-%s/m/x'
    until('the host comes in by the checked door', lambda: node.metrics().get(
        'dougong_ingest_samples_total{door="mqtt"}', 0) > 0)
    for i, role in enumerate(ROLES[:6]):
        key = node.ctl('key', 'add', 'k-' + role, '--roles', role, '--scope',
                       '88.31.1001').stdout.decode().strip()
        want = 'puback 00' if EXPECTED['ingest'][i] == 'y' else 'puback 87'
        got = say(node, '', 'any', key, 5, topic % role)
        assert got == want, (role, got)
    assert say(node, 'x', None, None, 5, topic % 'x') == 'connack 87'
    assert say(node, 'x', None, None, 4, topic % 'x') == 'connack 05'
    name = '88.31.1001/probe-1'
    add = ('device', 'add', name)
    secret = node.ctl(*add).stdout.decode().strip()
    assert say(node, name, name, secret, 5, topic % 1) == 'puback 00'
    assert say(node, name + ':2', name, secret, 4, topic % 1) == 'puback 00'
    assert say(node, 'else', name, secret, 5, topic % 1) == 'connack 85'
    assert say(node, name, name, secret, 5, topic % 2) == 'puback 87'
    assert say(node, name, name, secret, 4, topic % 2) == 'closed'
    assert say(node, name, name, secret, 5, 'd/88.44/x/m/x') == 'puback 87'
    # A connection ends with its credential.
    held = Publisher(node.port + 1, name, 5, user=name, password=secret)
    fresh = node.ctl(*add).stdout.decode().strip()
    first, body = held._packet(60)
    assert (first, body[0]) == (0xe0, 0x87), (first, body)
    assert say(node, name, name, secret, 5, topic % 1) == 'connack 86'
    assert say(node, name, name, fresh, 5, topic % 1) == 'puback 00'
    node.ctl('device', 'revoke', name)
    assert say(node, name, name, fresh, 5, topic % 1) == 'connack 86'
    # Who guesses waits; the right secret then waits, too.
    name = '88.31.1001/probe-9'
    secret = node.ctl('device', 'add', name).stdout.decode().strip()
    versions = itertools.cycle((('86', '9f', 5), ('04', '03', 4)))

    def said(secret):
        no, wait, version = next(versions)
        return {'connack ' + no: 'no', 'connack ' + wait: 'wait',
                'puback 00': 'yes'}[say(node, name, name, secret, version,
                                        topic % 9)]
    who_guesses_waits(lambda: said('a guess'), lambda: said(secret))
    until('the wait is over', lambda: say(
        node, name, name, secret, 5, topic % 9) == 'puback 00')
    refused = {k: v for k, v in node.metrics().items()
               if k.startswith('dougong_mqtt_refused_total')}
    for packet, code in (('connect', '86'), ('connect', '9F'),
                         ('publish', '87')):
        assert refused['dougong_mqtt_refused_total{packet="%s",code="%s"}' % (
            packet, code)] >= 2, refused


def brute_force(c):
    node = c.province
    user(node, 'li', 'viewer', '88.31')
    told = collections.Counter()

    def said(password):
        status, _, head = ask(node, 'POST', '/api/sessions',
                              {'user': 'li', 'password': password})
        assert status != 429 or int(head['Retry-After']) >= 1, head
        answer = {401: 'no', 429: 'wait', 201: 'yes'}[status]
        told[answer] += 1
        return answer
    who_guesses_waits(lambda: said('a wrong guess'), lambda: said(PASSWORD))
    until('the wait is over', lambda: said(PASSWORD) == 'yes')
    assert 'login_failed' in node.tail(200), node.tail(50)
    metrics = node.metrics()
    for why, answer in (('password', 'no'), ('slowed', 'wait')):
        assert metrics['dougong_people_refused_total{why="%s"}' % why] == \
            told[answer], (why, told)
    entries = node.ctl('audit', 'list').stdout.decode()
    assert 'login.slowed' in entries and 'user.create' in entries, entries
    assert 'session.begin' in entries, entries


def keys_and_cookies(c):
    node = c.nation
    secret = node.ctl('key', 'add', 'grafana', '--roles', 'viewer', '--scope',
                      '88').stdout.decode().strip()
    assert ask(node, 'GET', '/metrics', key=secret)[0] == 200
    assert ask(node, 'GET', '/api/users', key=secret)[0] == 403
    assert b'viewer' in node.ctl('whoami', key=secret).stdout
    key_id = json.loads(node.ctl('key', 'list', '--json').stdout)
    key_id = [k['id'] for k in key_id['keys'] if k['name'] == 'grafana'][0]
    node.ctl('key', 'revoke', key_id)
    status, answer, _ = ask(node, 'GET', '/api/figures/packs', key=secret)
    assert status == 401 and 'revoked' in answer['detail'], answer
    # A page of another port of this host shares cookies, but may not write.
    admin = user(node, 'admin2', 'administrator', '*')
    path, body = '/api/prefix-applications/88.78/approve', {}
    for origin, want in (('http://127.0.0.1:1', 401), (node.url, 201)):
        status, answer, _ = ask(node, 'POST', path, body, admin,
                                more={'Origin': origin})
        assert status == want, (origin, status, answer)
    status, _, head = ask(node, 'DELETE', '/api/sessions/this', None, admin)
    assert status == 204 and 'Max-Age=0' in head['Set-Cookie']
    assert ask(node, 'GET', '/api/users', None, admin)[0] == 401


def command_line(c):
    node = c.nation
    with open(os.path.join(node.dir, 'admin-link')) as f:
        link = f.read().strip().split('link=')[1]
    assert os.stat(os.path.join(node.dir, 'admin-link')).st_mode & 0o77 == 0
    node.ctl('login', '--link', link, key='')
    assert b'user admin' in node.ctl('whoami', key='').stdout
    shown = node.ctl('user', 'list', key='').stdout
    assert b'administrator' in shown, shown
    done = node.ctl('login', '--link', link, key='', check=False)
    assert done.returncode == 4, 'a link is good once'
    node.ctl('logout', key='')
    assert b'nobody' in node.ctl('whoami', key='').stdout
    done = node.ctl('prefix', 'approve', '88.79', key='', check=False)
    assert done.returncode == 4 and b'"prefixes"' in done.stderr, done.stderr
    # Sessions, users and keys outlive the process.
    cookie = login(node, 'the-viewer')
    node.kill()
    node.start()
    assert ask(node, 'GET', '/metrics', None, cookie)[0] == 200


def main():
    with tempfile.TemporaryDirectory() as breaks, Chain(
            host=True, profile='checked', extra='anonymous: nobody\n'
            'demonstration: "%s"\n' % breaks) as c:
        for test in (ingest, table, scopes, unit_names, brute_force, keys_and_cookies,
                     command_line):
            test(c)
            print('ok', test.__name__)


if __name__ == '__main__':
    main()
