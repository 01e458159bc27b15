#!/usr/bin/env python3
"""Durable QoS 1 beside mosquitto in memory, in one run.

The same generator (dougong bench mqtt) sends the same messages to each in
turn, A B A B ...; first one message goes to each and is read back, so that the
work compared is done at all.  Printed: messages/s, CPU seconds per million of
the server, PUBACK latency, ratios of medians, the run's own fdatasync times,
and RSS per idle connection over 9,000.

  ingest.py [--runs N] [--messages N] [--connections N] [--idle N]
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'tests/lib'))
from chain import DOUGONG, TOP, free_base, http, until  # noqa: E402


class Ours:
    name = 'dougong'

    def __init__(self, folder):
        self.base = free_base()
        self.port = self.base + 1
        self.dir = os.path.join(folder, 'node')
        os.makedirs(self.dir)
        with open(self.dir + '/node.yaml', 'w') as f:
            f.write('node: "88.31.1001"\nrole: enterprise\ndata: "%s"\n'
                    'packs_dir: "%s/packs"\nport: %d\nanonymous: viewer\n'
                    'doors: {mqtt: {profile: open, connections: 20000}}\n' %
                    (self.dir, TOP, self.base))
        log = open(self.dir + '/log', 'w')
        self.process = subprocess.Popen(
            [DOUGONG, 'serve', self.dir + '/node.yaml'], stdout=log,
            stderr=log)
        until('ready', lambda: http('http://127.0.0.1:%d/readyz' %
                                    self.base)[0] == 200, 30)

    def version(self):
        return subprocess.run([DOUGONG, 'version'], stdout=subprocess.PIPE
                              ).stdout.decode().strip()

    def check(self):
        """What is published is stored and can be read."""
        publish(self.port, 'd/88.31.1001/check/m/value', '42')
        status, body, _ = http('http://127.0.0.1:%d/api/v1/query?query=value'
                               % self.base)
        assert status == 200 and b'"42"' in body, body

    def sync_times(self):
        status, body, _ = http('http://127.0.0.1:%d/metrics' % self.base)
        buckets, count = [], 0
        for line in body.decode().splitlines():
            m = re.match(r'dougong_commit_seconds_bucket\{.*le="([^"]+)"\} '
                         r'([0-9]+)', line)
            if m:
                buckets.append((float(m.group(1)), int(m.group(2))))
        count = buckets[-1][1] if buckets else 0

        def quantile(q):
            for le, n in buckets:
                if n >= q * count:
                    return le
        return count, quantile(0.5), quantile(0.99)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Mosquitto:
    name = 'mosquitto'

    def __init__(self, folder):
        self.port = free_base() + 1
        conf = folder + '/mosquitto.conf'
        with open(conf, 'w') as f:
            f.write('listener %d 127.0.0.1\nallow_anonymous true\n'
                    'persistence false\nmax_inflight_messages 1000\n'
                    'max_queued_messages 100000\n' % self.port)
        if os.geteuid() == 0:
            with open(conf, 'a') as f:
                f.write('user root\n')
        self.process = subprocess.Popen(['mosquitto', '-c', conf],
                                        stderr=subprocess.DEVNULL)
        until('mosquitto listens', lambda: subprocess.run(
            ['mosquitto_pub', '-p', str(self.port), '-t', 'x', '-n'],
            stderr=subprocess.DEVNULL).returncode == 0, 10)

    def version(self):
        out = subprocess.run(['mosquitto', '-h'], stdout=subprocess.PIPE)
        return out.stdout.decode().splitlines()[0].strip()

    def check(self):
        """What is published, retained, can be read back."""
        publish(self.port, 'check', '42', '-r')
        out = subprocess.run(['mosquitto_sub', '-p', str(self.port), '-t',
                              'check', '-C', '1', '-W', '5'],
                             stdout=subprocess.PIPE)
        assert out.stdout == b'42\n', out

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def publish(port, topic, text, *more):
    subprocess.run(['mosquitto_pub', '-p', str(port), '-q', '1', '-t', topic,
                    '-m', text, *more], check=True, timeout=10)


def load(server, *options):
    out = subprocess.run(
        [DOUGONG, 'bench', 'mqtt', '--port', str(server.port), '--pid',
         str(server.process.pid), *map(str, options)],
        stdout=subprocess.PIPE, check=True, timeout=600).stdout.decode()
    words = out.split()
    pick = {}
    for i, word in enumerate(words[:-1]):
        try:
            pick.setdefault(word, float(words[i + 1]))
        except ValueError:
            pass
    return pick, out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--messages', type=int, default=500000)
    parser.add_argument('--connections', type=int, default=50)
    parser.add_argument('--window', type=int, default=100)
    parser.add_argument('--idle', type=int, default=9000)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix='dougong-bench-')
    servers = []
    try:
        servers = [Ours(folder), Mosquitto(folder)]
        for server in servers:
            print('%-10s %s' % (server.name, server.version()))
            server.check()
        rows = {server.name: [] for server in servers}
        for run in range(args.runs + 1):
            for server in servers:
                got, text = load(server, '--messages', args.messages,
                                 '--connections', args.connections, '--window',
                                 args.window, '--prefix', '88.31.1001')
                assert got['acked'] == args.messages, text
                if run == 0:
                    continue  # a warm-up: identifiers are made, caches filled
                rate = got['acked'] / got['seconds']
                rows[server.name].append((rate, got['server_per_million'],
                                          got['p50'], got['p99']))
                print('%-10s run %d: %8.0f/s  %6.3f CPU s/million  '
                      'PUBACK p50 %5.0f us p99 %6.0f us' % (
                          server.name, run, *rows[server.name][-1]))
        medians = {n: [statistics.median(c) for c in zip(*r)]
                   for n, r in rows.items()}
        for name, m in medians.items():
            print('%-10s median: %.0f/s, %.3f CPU s/million, p50 %.0f us, '
                  'p99 %.0f us' % (name, *m))
        ours, theirs = medians['dougong'], medians['mosquitto']
        print('ratio ours durable / mosquitto in memory: rate %.2f, CPU %.2f' %
              (ours[0] / theirs[0], ours[1] / theirs[1]))
        count, p50, p99 = servers[0].sync_times()
        print('commits %d: write + fdatasync p50 <= %.1f ms, p99 <= %.1f ms' %
              (count, p50 * 1e3, p99 * 1e3))
        for server in servers:
            got, text = load(server, '--idle', args.idle)
            print('%-10s %s' % (server.name, text.strip().splitlines()[-1]))
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    main()
