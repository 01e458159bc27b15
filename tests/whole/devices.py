#!/usr/bin/env python3
"""Devices come in by a certificate of the node's own CA, through mosquitto_pub
over TLS; users by their password; and whoever shows anything else does not."""
import json
import os
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import DOUGONG, PATIENCE_S, Node, http, until  # noqa: E402
from mqtt import Publisher  # noqa: E402
from rights import PASSWORD, ask, login, say, user  # noqa: E402

PREFIX = '88.31.1001'
PUMP = PREFIX + '/pump-1'
WRONG = 'Bad User Name or Password'


class One:
    """A node alone; closes as a Chain does."""

    def __init__(self, folder):
        self.dir = folder
        self.node = Node(self, PREFIX, 'enterprise', profile='checked',
                         extra='anonymous: nobody\n')

    def __enter__(self):
        self.node.start()
        return self.node

    def __exit__(self, kind, value, trace):
        code = self.node.stop()
        if kind is not None:
            sys.stderr.write(self.node.tail(25))
        else:
            assert code == 0, code


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE_S)


def pub(node, topic, *more, tls=True):
    """mosquitto_pub, 5.0, QoS 1: its exit code and what it said."""
    done = run('mosquitto_pub', '-h', '127.0.0.1', '-p',
               str(node.port + (6 if tls else 1)), '-V', 'mqttv5', '-q', '1',
               '-t', topic, '-m', '1', *more)
    return done.returncode, (done.stdout + done.stderr).decode()


def cert(node, folder, name='device', trust=None):
    """Options of mosquitto for the key and certificate of a folder."""
    def at(f):
        return os.path.join(folder, f)
    return ('--cafile', trust or os.path.join(node.dir, 'ca.pem'), '--cert',
            at(name + '.pem'), '--key', at('device.key'))


def own(name):
    return 'd/%s/m/x' % name


def refused(node, code):
    return node.metrics().get(
        'dougong_mqtt_refused_total{packet="connect",code="%s"}' % code, 0)


def a_certificate_opens(node, folder):
    node.ctl('register', PUMP, '--class', 'pump')
    said = node.ctl('device', 'cert', PUMP, folder).stdout.decode()
    assert 'device.key, device.pem, ca.pem; good until 20' in said, said
    key = os.path.join(folder, 'device.key')
    assert os.stat(key).st_mode & 0o77 == 0
    with open(os.path.join(folder, 'ca.pem')) as mine, open(
            os.path.join(node.dir, 'ca.pem')) as theirs:
        assert mine.read() == theirs.read()
    shown = run('openssl', 'x509', '-noout', '-ext', 'subjectAltName', '-in',
                os.path.join(folder, 'device.pem')).stdout.decode()
    assert 'URI:urn:dougong:' + PUMP in shown, shown
    own_ca = os.path.join(folder, 'ca.pem')
    shown = cert(node, folder, trust=own_ca)
    assert pub(node, own(PUMP), '-i', PUMP, *shown) == (0, '')
    until('the sample is there', lambda: node.get(
        '/api/v1/query', query='x{id="%s"}' % PUMP)[1]['data']['result'])
    # It is that device and no other.
    code, said = pub(node, own(PUMP), '-i', 'else', *shown)
    assert code != 0 and 'Client Identifier not valid' in said, said
    for topic in (own(PREFIX + '/pump-2'), own('88.44/x'), 'news'):
        said = pub(node, topic, '-i', PUMP, *shown)[1]
        assert 'Not authorized' in said, (topic, said)
    # Its password, where there is none, was not made known to anybody.
    code, said = pub(node, own(PUMP), '-i', PUMP, '-u', PUMP, '-P', '',
                     '--cafile', own_ca)
    assert code != 0 and WRONG in said, said


def the_same_key_renews(node, folder):
    """Run again the command keeps the key: the older certificate stays good
    for its own time.  With another key it does not."""
    key, pem = (os.path.join(folder, f) for f in ('device.key', 'device.pem'))
    with open(key) as k, open(pem) as p:
        old_key, old_pem = k.read(), p.read()
    node.ctl('device', 'cert', PUMP, folder, '--life', '30d')
    with open(key) as k, open(pem) as p:
        assert k.read() == old_key and p.read() != old_pem
    assert pub(node, own(PUMP), '-i', PUMP, *cert(node, folder))[0] == 0
    with tempfile.TemporaryDirectory() as other:
        node.ctl('device', 'cert', PUMP, other)
        assert pub(node, own(PUMP), '-i', PUMP, *cert(node, other))[0] == 0
        code, said = pub(node, own(PUMP), '-i', PUMP, *cert(node, folder))
        assert code != 0 and WRONG in said, said
    node.ctl('device', 'cert', PUMP, folder)
    assert pub(node, own(PUMP), '-i', PUMP, *cert(node, folder))[0] == 0


def an_expired_one_is_refused(node, folder):
    before = refused(node, '86')
    node.ctl('device', 'cert', PUMP, folder, '--life', '5s')

    def late():
        code, said = pub(node, own(PUMP), '-i', PUMP, *cert(node, folder))
        return code != 0 and WRONG in said
    until('it expires', late)
    assert refused(node, '86') > before
    # Nobody is slowed by it: renewed, it is in at once.
    for _ in range(6):
        assert late()
    node.ctl('device', 'cert', PUMP, folder)
    assert pub(node, own(PUMP), '-i', PUMP, *cert(node, folder))[0] == 0
    for life in ('4s', '367d', 'soon', '-1d'):
        done = node.ctl('device', 'cert', PUMP, folder, '--life', life,
                        check=False)
        assert done.returncode == 4 and b'5s to 366d' in done.stderr, (
            life, done.stderr)


def a_foreign_ca_is_refused(node, folder):
    """The device's own key and name, under a CA that only has our CA's name."""
    def at(f):
        return os.path.join(folder, f)
    subject = '/CN=dougong CA ' + PREFIX
    done = run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
               'ec_paramgen_curve:P-256', '-nodes', '-subj', subject,
               '-days', '9', '-keyout', at('foreign.key'), '-out',
               at('foreign-ca.pem'))
    assert done.returncode == 0, done.stderr
    with open(at('san'), 'w') as f:
        f.write('subjectAltName=URI:urn:dougong:%s\nextendedKeyUsage='
                'clientAuth\nkeyUsage=digitalSignature\n' % PUMP)
    done = run('openssl', 'req', '-new', '-key', at('device.key'), '-subj',
               '/CN=x', '-out', at('csr'))
    assert done.returncode == 0, done.stderr
    done = run('openssl', 'x509', '-req', '-in', at('csr'), '-CA',
               at('foreign-ca.pem'), '-CAkey', at('foreign.key'), '-days', '9',
               '-CAcreateserial', '-extfile', at('san'), '-out',
               at('foreign.pem'))
    assert done.returncode == 0, done.stderr
    before = refused(node, '86')
    code, said = pub(node, own(PUMP), '-i', PUMP, *cert(node, folder,
                                                        'foreign'))
    assert code != 0, said
    assert refused(node, '86') == before, 'it ended in the handshake'
    assert pub(node, own(PUMP), '-i', PUMP, *cert(node, folder))[0] == 0


def a_request_of_another_tool_is_signed(node, folder):
    name = PREFIX + '/meter-7'

    def ask(body, cookie=None):
        status, answer, _ = http(node.url + '/api/certificates',
                                 json.dumps(body).encode(),
                                 {'Content-Type': 'application/json',
                                  **(node.auth if not cookie else cookie)})
        return status, json.loads(answer)

    def request(san, kind=('ec', '-pkeyopt', 'ec_paramgen_curve:P-256')):
        more = ['-addext', 'subjectAltName=' + san] if san else []
        done = run('openssl', 'req', '-new', '-newkey', *kind, '-nodes',
                   '-keyout', os.path.join(folder, 'device.key'), '-subj',
                   '/CN=meter', *more)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()
    good = request('URI:urn:dougong:' + name)
    assert ask({'id': name, 'request': good}, {'X-No': 'key'})[0] == 401
    for body in (
            {'id': PUMP, 'request': good},
            {'id': name, 'request': 'nonsense'},
            {'id': name},
            {'id': name, 'request': request(None)},
            {'id': name, 'request': request('DNS:' + PREFIX)},
            {'id': name, 'request': request('URI:urn:dougong:' + name,
                                            ('rsa:2048',))},
            {'id': PREFIX, 'request': request('URI:urn:dougong:' + PREFIX)}):
        status, answer = ask(body)
        assert status in (400, 422) and answer['detail'], (body, answer)
    good = request('URI:urn:dougong:' + name)
    status, answer = ask({'id': name, 'request': good, 'life': '1d'})
    assert status == 201 and answer['id'] == name, answer
    with open(os.path.join(folder, 'device.pem'), 'w') as f:
        f.write(answer['certificate'])
    node.ctl('register', name, '--class', 'meter')
    assert pub(node, own(name), '-i', name, *cert(node, folder)) == (0, '')
    listed = json.loads(node.ctl('device', 'list', '--json').stdout)['devices']
    assert [(d['id'], d['certificate']) for d in listed] == [
        (name, True), (PUMP, True)], listed


def a_revoked_device_is_out_at_once(node, folder):
    context = ssl.create_default_context(
        cafile=os.path.join(node.dir, 'ca.pem'))
    context.load_cert_chain(*(os.path.join(folder, f)
                              for f in ('device.pem', 'device.key')))
    held = Publisher(node.port + 6, PUMP + ':2', 5, context=context)
    node.ctl('device', 'revoke', PUMP)
    first, body = held._packet(60)
    assert (first, body[0]) == (0xe0, 0x87), (first, body)
    code, said = pub(node, own(PUMP), '-i', PUMP, *cert(node, folder))
    assert code != 0 and WRONG in said, said
    entries = node.ctl('audit', 'list').stdout.decode()
    assert entries.count('device.certificate') >= 5, entries
    assert 'device.revoke' in entries, entries


def users_come_in_by_password(node, folder):
    """With the rights of role and scope, as at every other door."""
    topic = 'd/%s/news/c/x' % PREFIX
    makers = {'wang': ('operator', PREFIX), 'li': ('viewer', PREFIX),
              'zhao': ('operator', PREFIX + '/pump-1')}
    for name, (role, scope) in makers.items():
        user(node, name, role, scope)
    ca = ('--cafile', os.path.join(node.dir, 'ca.pem'))

    def by(name, *more):
        return ('-u', name, '-P', PASSWORD) + more
    before = node.ctl('audit', 'list').stdout.decode().count('session.begin')
    assert pub(node, topic, '-r', *by('wang'), tls=False) == (0, '')
    assert pub(node, topic, '-r', *by('WANG', *ca)) == (0, '')
    for name, what in (('li', topic), ('wang', 'd/88.44/x/m/x'),
                       ('zhao', topic), ('zhao', own(PREFIX + '/pump-2'))):
        said = pub(node, what, *by(name), tls=False)[1]
        assert 'Not authorized' in said, (name, what, said)
    node.ctl('register', PUMP, '--class', 'pump', '--replace', check=False)
    assert pub(node, own(PUMP), *by('zhao'), tls=False)[0] == 0

    def sub(name, what):
        done = run('mosquitto_sub', '-h', '127.0.0.1', '-p',
                   str(node.port + 1), '-V', 'mqttv5', '-q', '1', '-t', what,
                   '-C', '1', '-W', '200', *by(name))
        return done.stdout.decode() + done.stderr.decode()
    assert sub('li', 'd/%s/#' % PREFIX) == '1\n'
    assert 'denied' in sub('zhao', 'd/%s/#' % PREFIX)
    assert 'denied' in sub('zhao', '#')
    now = node.ctl('audit', 'list').stdout.decode().count('session.begin')
    assert now == before, 'a connection is no session of the console'


def nobody_takes_anothers_client_id(node, folder):
    held = Publisher(node.port + 1, 'line-1', 5, user='wang',
                     password=PASSWORD)
    for version, code in ((5, '85'), (4, '02')):
        assert say(node, 'line-1', 'li', PASSWORD, version,
                   own(PUMP)) == 'connack ' + code
    assert say(node, 'line-1', 'wang', PASSWORD, 5,
               'd/%s/x/c/y' % PREFIX)[:6] == 'puback', 'but his own he may'
    first, body = held._packet(60)
    assert (first, body[0]) == (0xe0, 0x8e), (first, body)


def a_changed_user_is_out_at_once(node, folder):
    def held():
        return Publisher(node.port + 1, 'wang-1', 5, user='wang',
                         password=PASSWORD)

    def ended(publisher):
        first, body = publisher._packet(60)
        assert (first, body[0]) == (0xe0, 0x87), (first, body)
    one = held()
    node.ctl('user', 'set', 'wang', '--roles', 'viewer')
    ended(one)
    assert say(node, '', 'wang', PASSWORD, 5, own(PUMP)) == 'puback 87'
    one = held()
    status, _, _ = ask(node, 'PUT', '/api/sessions/this/password',
                       {'old': PASSWORD, 'new': PASSWORD + '2'},
                       login(node, 'wang'))
    assert status == 204, status
    ended(one)
    assert say(node, '', 'wang', PASSWORD, 5, own(PUMP)) == 'connack 86'
    assert say(node, '', 'wang', PASSWORD + '2', 5, own(PUMP)) == 'puback 87'
    node.ctl('user', 'disable', 'wang')
    assert say(node, '', 'wang', PASSWORD + '2', 5, own(PUMP)) == 'connack 86'


def who_guesses_is_slowed_at_every_door(node, folder):
    topic = own(PUMP)
    assert say(node, '', 'li', 'a wrong guess', 5, topic) == 'connack 86'

    def slowed():
        """The right password waits, too, at the console as well; a machine
        that pauses for longer than the wait tries again."""
        if say(node, '', 'li', 'a guess', 5, topic) != 'connack 9f' or say(
                node, '', 'li', PASSWORD, 4, topic) != 'connack 03':
            return False
        status, _, head = ask(node, 'POST', '/api/sessions',
                              {'user': 'li', 'password': PASSWORD})
        return status == 429 and int(head['Retry-After']) >= 1
    until('guesses are slowed', slowed)
    until('the wait is over', lambda: say(
        node, '', 'li', PASSWORD, 5, topic) == 'puback 87')


def main():
    assert os.path.exists(DOUGONG), DOUGONG
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory(
            ) as other, One(work) as node:
        folder = os.path.join(work, 'pump-1')
        for test, place in ((a_certificate_opens, folder),
                            (the_same_key_renews, folder),
                            (an_expired_one_is_refused, folder),
                            (a_foreign_ca_is_refused, folder),
                            (a_request_of_another_tool_is_signed, other),
                            (a_revoked_device_is_out_at_once, folder),
                            (users_come_in_by_password, folder),
                            (nobody_takes_anothers_client_id, folder),
                            (a_changed_user_is_out_at_once, folder),
                            (who_guesses_is_slowed_at_every_door, folder)):
            test(node, place)
            print('ok', test.__name__)


if __name__ == '__main__':
    main()
