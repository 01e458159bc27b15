#!/usr/bin/env python3
"""Who is connected by MQTT, page by page and by scope; and an operator ends a
connection, which its client is told."""
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Node, until  # noqa: E402
from mqtt import Publisher  # noqa: E402
from rights import ask, login, user  # noqa: E402

PREFIX = '88.31.1001'
PUMP, LATHE = PREFIX + '/pump-1', PREFIX + '/lathe-2'


def listed(node, cookie=None, **query):
    path = '/api/connections?' + urllib.parse.urlencode(query)
    status, answer, _ = ask(node, 'GET', path, None, cookie,
                            None if cookie else node.key)
    assert status == 200, (status, answer)
    return answer['connections'], answer['next']


def ids(node, cookie=None, **query):
    return [c['id'] for c in listed(node, cookie, **query)[0]]


def end(node, name, cookie=None, key=None):
    return ask(node, 'DELETE', '/api/connections/' + urllib.parse.quote(
        name, safe=''), None, cookie, key)[0]


def device(node, name, client, version=5, tls=False):
    secret = node.ctl('device', 'add', name).stdout.decode().strip()
    context = tls and ssl.create_default_context(
        cafile=os.path.join(node.dir, 'ca.pem'))
    return Publisher(node.port + (6 if tls else 1), client, version,
                     context=context or None, user=name, password=secret)


def they_are_listed(node, held):
    node.ctl('register', PUMP, '--class', 'pump')
    held['pump'] = device(node, PUMP, PUMP)
    held['lathe'] = device(node, LATHE, LATHE + ':a', 4, True)
    key = node.ctl('key', 'add', 'reader', '--roles', 'viewer', '--scope',
                   PREFIX).stdout.decode().strip()
    topic = 'd/%s/m/x' % PUMP
    sub = held['sub'] = subprocess.Popen(
        ['mosquitto_sub', '-h', '127.0.0.1', '-p', str(node.port + 1), '-i',
         'reader-1', '-u', 'x', '-P', key, '-t', topic, '-q', '1', '-k', '77'],
        stdout=subprocess.DEVNULL)
    until('the subscriber is on', lambda: [
        c for c in listed(node)[0] if c['subscriptions'] == 1])
    for _ in range(3):
        held['pump'].publish(topic, '1')
    assert len(held['pump'].drain()) == 3
    until('it has heard all', lambda: [
        c for c in listed(node, client='reader')[0]
        if c['messages_out'] == 3 and c['unacknowledged'] == 0])
    assert sub.poll() is None
    pump, lathe, reader = (next(c for c in listed(node)[0] if c['id'] == i)
                           for i in (PUMP, LATHE + ':a', 'reader-1'))
    assert (pump['kind'], pump['user'], pump['tls'], pump['version']) == (
        'device', PUMP, False, '5.0'), pump
    assert (pump['messages_in'], pump['owed'], pump['queued']) == (3, 0, 0)
    assert (lathe['user'], lathe['tls'], lathe['version']) == (
        LATHE, True, '3.1.1'), lathe
    assert lathe['address'].startswith('127.0.0.1:'), lathe
    assert (reader['kind'], reader['user'], reader['keep_alive_s']) == (
        'key', 'reader', 77), reader
    for one in (pump, lathe, reader):
        assert 0 < one['since_ms'] <= one['seen_ms'], one


def page_by_page(node, held):
    for name in ('b', 'a', 'c'):
        held[name] = Publisher(node.port + 1, PUMP + ':' + name, 5, user=PUMP,
                               password=held['secret'])
    every = ids(node)
    assert every == sorted(every) and len(every) == 6, every
    pages, following = [], ''
    while following is not None:
        rows, following = listed(node, limit=2, next=following)
        assert 1 <= len(rows) <= 2, rows
        pages += [c['id'] for c in rows]
    assert pages == every, (pages, every)
    assert ids(node, client=PUMP) == [PUMP] + [
        '%s:%s' % (PUMP, x) for x in 'abc']
    assert ids(node, user=LATHE.upper()) == [LATHE + ':a']
    assert ids(node, user='nobody') == ids(node, client='~') == []
    for bad in ('limit=0', 'limit=1001', 'limit=x'):
        assert ask(node, 'GET', '/api/connections?' + bad,
                   key=node.key)[0] == 400, bad


def each_sees_his_own(node, held):
    near = user(node, 'near', 'viewer', PUMP)
    far = user(node, 'far', 'administrator', '88.44')
    boss = user(node, 'boss', 'administrator', LATHE)
    assert set(ids(node, near)) == {PUMP} | {PUMP + ':' + x for x in 'abc'}
    assert ids(node, far) == []
    assert ids(node, boss) == [LATHE + ':a']
    assert ask(node, 'GET', '/api/connections')[0] == 401
    assert end(node, PUMP, near) == 403, 'a viewer ends nothing'
    assert end(node, PUMP, far) == end(node, PUMP, boss) == 404
    assert PUMP in ids(node)
    assert end(node, LATHE + ':a', boss) == 204
    # 3.1.1 is told nothing: it is closed.
    try:
        until('it is closed', lambda: held['lathe'].pump(0.2) and False)
    except OSError:
        pass
    until('it is off the list', lambda: ids(node, boss) == [])


def what_was_refused_is_told(node, held):
    def refusals(key=None, cookie=None):
        return ask(node, 'GET', '/api/refusals', None, cookie, key)
    for topic, payload in (('d/%s/odd' % PUMP, 'what?'),
                           ('d/88.44/x/m/y', '1'), ('d/%s/t' % PUMP, '{')):
        held['a'].publish(topic, payload)
    held['a'].drain()
    assert sorted(held['a'].acked.values())[-2:] == [0x87, 0x99], (
        held['a'].acked)
    status, answer, _ = refusals(node.key)
    seen = [(r['what'], r['client'], r['topic'], r['payload'])
            for r in answer['refusals'][:3]]
    client = PUMP + ':a'
    assert status == 200 and seen == [
        ('payload', client, 'd/%s/t' % PUMP, '{'),
        ('denied', client, 'd/88.44/x/m/y', '1'),
        ('unmapped', client, 'd/%s/odd' % PUMP, 'what?')], answer
    assert answer['refusals'][0]['at'] >= answer['refusals'][2]['at'] > 0
    assert answer['refusals'][0]['why'], answer
    assert refusals()[0] == 401
    assert refusals(cookie=login(node, 'near'))[0] == 403


def it_is_told(node, held):
    assert end(node, PUMP, key=node.key) == 204
    first, body = held['pump']._packet(60)
    assert (first, body[0]) == (0xe0, 0x98), (first, body)
    until('it is off the list', lambda: PUMP not in ids(node))
    assert end(node, PUMP, key=node.key) == 404
    # It may come back: what keeps a client out is its credential.
    held['pump'] = Publisher(node.port + 1, PUMP, 5, user=PUMP,
                             password=held['secret'])
    assert PUMP in ids(node)
    entries = node.ctl('audit', 'list').stdout.decode()
    assert entries.count('connection.end') == 2, entries
    assert node.metrics()[
        'dougong_mqtt_refused_total{packet="connect",code="98"}'] == 2


def a_node_without_the_door_has_none(folder):
    chain = type('Folder', (), {'dir': folder})
    node = Node(chain, '88', 'nation').start()
    try:
        assert listed(node) == ([], None)
        assert end(node, 'x', key=node.key) == 404
    finally:
        assert node.stop() == 0


def main():
    with tempfile.TemporaryDirectory() as folder:
        chain = type('Folder', (), {'dir': folder})
        node = Node(chain, PREFIX, 'enterprise', profile='checked',
                    extra='anonymous: nobody\n').start()
        held = {}
        try:
            they_are_listed(node, held)
            print('ok they_are_listed')
            # With a secret that is known here from now on.
            held['secret'] = node.ctl('device', 'add',
                                      PUMP).stdout.decode().strip()
            held['pump'] = Publisher(node.port + 1, PUMP, 5, user=PUMP,
                                     password=held['secret'])
            for test in (page_by_page, each_sees_his_own,
                         what_was_refused_is_told, it_is_told):
                test(node, held)
                print('ok', test.__name__)
        except BaseException:
            sys.stderr.write(node.tail(25))
            raise
        finally:
            if 'sub' in held:
                held['sub'].kill()
                held['sub'].wait()
            code = node.stop()
        assert code == 0, code
        a_node_without_the_door_has_none(folder)
        print('ok a_node_without_the_door_has_none')


if __name__ == '__main__':
    main()
