#!/usr/bin/env python3
"""Real MQTT clients are taken in, and what they sent is in query_range.

mosquitto_pub and npm's mqtt; 3.1.1 and 5.0; QoS 0 and 1; with and without
TLS: 16 ways, each with its own series and its own times.  Then a subscriber
of each kind gets a retained and a live message, and a will.
"""
import itertools
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import PATIENCE_S, TOP, Chain, until  # noqa: E402

COUNT = 5


def mosquitto(node, version, qos, tls, topic, payloads):
    command = ['mosquitto_pub', '-h', '127.0.0.1', '-p',
               str(node.port + (6 if tls else 1)), '-V',
               'mqttv311' if version == 4 else 'mqttv5', '-q', str(qos), '-t',
               topic, '-l']
    if tls:
        command += ['--cafile', os.path.join(node.dir, 'ca.pem')]
    subprocess.run(command, input='\n'.join(payloads).encode(), check=True,
                   timeout=PATIENCE_S)


def npm(node, version, qos, tls, topic, payloads):
    command = ['node', os.path.join(TOP, 'tests/node/publish.mjs'),
               '%s://127.0.0.1:%d' % ('mqtts' if tls else 'mqtt',
                                      node.port + (6 if tls else 1)),
               str(version), str(qos), topic, *payloads]
    if tls:
        command += ['--ca', os.path.join(node.dir, 'ca.pem')]
    subprocess.run(command, check=True, timeout=PATIENCE_S)


def subscribers(node):
    """Retained, live and will, through mosquitto_sub."""
    topic = 'd/%s/news/c/x' % node.prefix
    base = ['-h', '127.0.0.1', '-p', str(node.port + 1)]
    subprocess.run(['mosquitto_pub', *base, '-t', topic, '-m', 'kept', '-r',
                    '-q', '1'], check=True, timeout=PATIENCE_S)
    sub = subprocess.Popen(['mosquitto_sub', *base, '-V', 'mqttv5', '-t',
                            'd/%s/+/c/#' % node.prefix, '-C', '3', '-W', '300',
                            '-q', '1'], stdout=subprocess.PIPE)
    assert sub.stdout.readline() == b'kept\n'
    subprocess.run(['mosquitto_pub', *base, '-t', topic, '-m', 'live', '-q',
                    '1'], check=True, timeout=PATIENCE_S)
    assert sub.stdout.readline() == b'live\n'
    dying = subprocess.Popen(
        ['mosquitto_sub', *base, '-t', topic, '--will-topic', topic,
         '--will-payload', 'gone', '--will-qos', '1'], stdout=subprocess.PIPE)
    assert dying.stdout.readline() == b'kept\n'  # it is on, with its will
    dying.kill()
    dying.wait()
    assert sub.stdout.readline() == b'gone\n'
    assert sub.wait(PATIENCE_S) == 0


def counted_once(node, samples):
    """The family has one row per door, and its sum is what was sent."""
    rows = {k: v for k, v in node.metrics().items()
            if k.startswith('dougong_ingest_samples_total')}
    assert rows == {'dougong_ingest_samples_total{door="mqtt"}': samples}, rows


def listed_from_above(chain):
    """The nation keeps no samples: it asks the node that owns the id."""
    unit = '%s/npm-5-q1-tls' % chain.enterprise.prefix
    for path, want in (
            ('/api/v1/series', [{'__name__': 'temp', 'id': unit}]),
            ('/api/v1/labels', ['__name__', 'id']),
            ('/api/v1/label/__name__/values', ['temp'])):
        for node in chain.nodes:
            until('%s at %s' % (path, node.prefix), lambda: node.get(
                path, **{'match[]': '{id="%s"}' % unit})[1].get('data') == want)
    assert chain.nation.get('/api/v1/labels')[1]['data'] == []


def main():
    with Chain() as chain:
        node = chain.enterprise
        start = int(time.time() * 1000) - 600000
        want = {}
        ways = list(itertools.product((mosquitto, npm), (4, 5), (0, 1),
                                      (False, True)))
        for n, (client, version, qos, tls) in enumerate(ways):
            name = '%s-%d-q%d%s' % (client.__name__, version, qos,
                                    '-tls' if tls else '')
            times = [start + 1000 * (n + 20 * i) for i in range(COUNT)]
            payloads = [json.dumps({'ts': t, 'v': {'temp': n + i / 8}})
                        for i, t in enumerate(times)]
            client(node, version, qos, tls, 'd/%s/%s/t' % (node.prefix, name),
                   payloads)
            want['%s/%s' % (node.prefix, name)] = {
                t: n + i / 8 for i, t in enumerate(times)}

        missing = {}

        def seen():
            got = node.samples('temp', start, start + 600000, 1000)
            found = {}
            for labels, values in got.items():
                rows = found.setdefault(dict(labels)['id'], {})
                # A sample shows at every step until the next; its own step is
                # the first that shows it.
                last = None
                for t, v in sorted(values.items()):
                    if v != last:
                        rows[t] = float(v)
                    last = v
            missing.clear()
            missing.update((k, (want.get(k), found.get(k)))
                           for k in set(want) | set(found)
                           if want.get(k) != found.get(k))
            return not missing
        try:
            until('all that was sent is in query_range', seen)
        except AssertionError:
            for way, (sent, got) in sorted(missing.items()):
                print('%s: sent %s, got %s' % (way, sent, got))
            raise
        counted_once(node, len(ways) * COUNT)
        listed_from_above(chain)
        subscribers(node)
        print('figure: %d ways to publish, %d samples each, all in query_range'
              % (len(ways), COUNT))


if __name__ == '__main__':
    main()
