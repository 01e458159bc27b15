#!/usr/bin/env python3
"""Any of the three nodes is killed at random moments under load.

A sender publishes QoS 1 with its own times and writes down what was
acknowledged; what was not acknowledged is sent again.  Each round one node,
started again under a shim that holds writes back until they are synced, gets
one of
  kill   SIGKILL: what was not synced is lost, some of it is torn or scattered
  sync   one fdatasync fails, nothing more may be acknowledged; then SIGKILL
  full   the disk says ENOSPC for a while; it must go on by itself afterwards
In the end
  acknowledged <= recovered <= sent, sample by sample, and
  the nation's figures equal a recomputation from the enterprise's samples,
bit for bit.

  crash.py [--rounds N | --kills N] [--seed N]      default 10 rounds

--kills goes on until N rounds of the first kind are done; every SIGKILL that
happened, in whatever round, is counted.
"""
import argparse
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
import mqtt  # noqa: E402
import packs  # noqa: E402
import recompute  # noqa: E402
from chain import BUILD, Chain, http, until  # noqa: E402

MACHINES = 4
SPAN = 40 * 60 * 1000
WINDOW = 20  # the Receive Maximum of profile open


class Load:
    """Counters of a few machines, backdated over the last 40 minutes."""

    def __init__(self, node, rng, now):
        self.node, self.rng = node, rng
        self.now, self.start = now, now - SPAN
        self.made = [0] * MACHINES
        self.energy = [0] * MACHINES
        self.clock = self.start
        self.sent, self.acked, self.again = {}, {}, []
        self.publisher = None

    def message(self):
        machine = self.rng.randrange(MACHINES)
        self.clock += self.rng.randrange(20, 400)
        if self.clock >= self.now - 60000:
            self.clock = self.start + self.rng.randrange(1000)
        t = self.clock
        key = ('%s/load-%d' % (self.node.prefix, machine), t)
        if key in self.sent:
            return None
        self.made[machine] += self.rng.randrange(5)
        self.energy[machine] += self.rng.randrange(2000)
        if self.rng.random() < 0.002:
            self.made[machine] = 0
        values = {'made_total': str(self.made[machine]),
                  'energy_total': '%d.%03d' % divmod(self.energy[machine],
                                                     1000),
                  'stock': str(self.rng.randrange(100))}
        self.sent[key] = values
        return key

    def payload(self, key):
        values = self.sent[key]
        return '{"ts":%d,"v":{%s}}' % (key[1], ','.join(
            '"%s":%s' % kv for kv in values.items()))

    def send(self, key):
        self.publisher.publish('d/%s/t' % key[0], self.payload(key), note=key)

    def run(self, seconds):
        """Publish for a while; a lost connection only moves what was owed to
        what is sent again."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.publisher is None:
                    self.publisher = mqtt.Publisher(
                        self.node.port + 1, 'load', version=5, timeout=2)
                while time.monotonic() < end:
                    key = self.again.pop() if self.again else self.message()
                    if key is not None:
                        self.send(key)
                    if len(self.publisher.waiting) >= WINDOW:
                        self.take(0.2)
                    else:
                        self.take(0)
            except OSError:
                self.lost()
                time.sleep(0.02)

    def take(self, timeout):
        for key in self.publisher.pump(timeout):
            self.acked[key] = True
        if self.publisher.refused:
            self.again += self.publisher.refused
            self.publisher.refused = []
            time.sleep(0.01)

    def lost(self):
        if self.publisher:
            self.again += [k for k in self.publisher.waiting.values()
                           if k is not None]
            self.publisher.close()
            self.publisher = None

    def finish(self):
        def done():
            self.run(0.3)
            if self.publisher:
                try:
                    for key in self.publisher.drain(5):
                        self.acked[key] = True
                except OSError:
                    self.lost()
            return not self.again and self.publisher and \
                not self.publisher.waiting
        until('everything sent is acknowledged', done, 60)


def recovered(node, now):
    """{(id, metric): sorted [(t, text)]} as the enterprise holds it."""
    series = {}
    for metric in ('made_total', 'energy_total', 'stock'):
        status, answer = node.get('/api/v1/query',
                                  query='%s[120m]' % metric, time=now / 1000)
        assert status == 200, answer
        for row in answer['data']['result']:
            series[(row['metric']['id'], metric)] = sorted(
                (round(float(t) * 1000), v) for t, v in row['values'])
    return series


def compare_samples(load, series):
    have = {}
    for (unit, metric), samples in series.items():
        for t, text in samples:
            have[(unit, t, metric)] = text
    for key in load.acked:
        for metric, value in load.sent[key].items():
            got = have.get((key[0], key[1], metric))
            assert got is not None and float(got) == float(value), \
                'acknowledged, but not there: %s %s %s' % (key, metric, got)
    for (unit, t, metric) in have:
        assert (unit, t) in load.sent, 'never sent: %s %d' % (unit, t)
    return len(have)


def figures(node, want):
    """Live figures of one node in the form of recompute.figures."""
    got = {}
    for name in recompute.MEASURES:
        status, answer = node.get('/api/figures', pack='load', metric=name,
                                  last=120)
        if status != 200:
            return None
        for row in answer['figures']:
            if row['value'] is not None and row['n'] > 0:
                start = row['from']
                scale = recompute.MEASURES[name][2]
                got.setdefault(start, {})[name] = (
                    row['n'], recompute.scaled(row['value'], scale))
    return got


def differences(got, want):
    """Of windows that are over (their end + due has passed)."""
    out = []
    over = int(time.time() * 1000) - recompute.MINUTE - 5000
    for start in sorted(s for s in set(got) | set(want) if s <= over):
        if got.get(start) != want.get(start):
            out.append('%s: nation %s, recomputed %s' % (
                recompute.window_text(start), got.get(start),
                want.get(start)))
    return out


def settle(nodes, want, seconds=60):
    state = {}

    def equal():
        for node in nodes:
            got = figures(node, want)
            if got is None:
                return False
            state[node.prefix] = differences(got, want)
        return not any(state.values())
    try:
        until('figures equal the recomputation', equal, seconds, 0.3)
    except AssertionError:
        for prefix, rows in state.items():
            for row in rows[:10]:
                print(prefix, row)
        raise


def shim(node, rng):
    """A disk that keeps only what was synced; a control file fills it."""
    library = os.path.join(BUILD, 'tests/fault/libfault.so')
    assert os.path.exists(library), library
    node.full = os.path.join(node.dir, 'full')
    node.env = {'LD_PRELOAD': library,
                'FAULT_SEED': str(rng.randrange(1 << 30)),
                'FAULT_PATHS': '/journal/:data.mdb:/seg/',
                'FAULT_TEAR': '20', 'FAULT_SCATTER': '40',
                'FAULT_ENOSPC_FILE': node.full}


KILLED = {}  # SIGKILLs that ended a running node, by its prefix


def kill(node):
    if node.process.poll() is None:
        node.kill()
        assert node.process.returncode == -signal.SIGKILL, \
            node.process.returncode
        KILLED[node.prefix] = KILLED.get(node.prefix, 0) + 1


def fault_kill(load, node, rng):
    load.run(rng.random() * 0.4)
    kill(node)


def fault_sync(load, node, rng):
    """One sync fails: the node says so, and acknowledges nothing more; or it
    cannot even start."""
    kill(node)
    shim(node, rng)
    node.env['FAULT_SYNC_FAIL_AT'] = str(rng.randrange(1, 60))
    node.start(wait=False)

    def failed():
        load.run(0.1)
        return node.process.poll() is not None or \
            http(node.url + '/readyz')[0] == 503
    until('%s has failed by a sync' % node.prefix, failed, 60)
    kill(node)


def fault_full(load, node, rng):
    """No space, then space again: no restart."""
    open(node.full, 'w').close()
    load.run(0.2 + rng.random() * 0.3)
    os.unlink(node.full)
    until('%s takes writes again' % node.prefix, lambda: load.run(0.1) or
          http(node.url + '/readyz')[0] == 200, 30)


FAULTS = {'kill': fault_kill, 'sync': fault_sync, 'full': fault_full}


def rounds(chain, load, rng, count, kills):
    done = {}
    while done.get('kill', 0) < kills if kills else \
            sum(done.values()) < count:
        node = rng.choice(chain.nodes)
        kind = rng.choice(['kill'] * 6 + ['sync', 'full'])
        FAULTS[kind](load, node, rng)
        done[kind] = done.get(kind, 0) + 1
        if node.process.poll() is not None:
            shim(node, rng)
            node.start(wait=False)
            load.run(rng.random() * 0.3)
            node.ready()
    return done


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--kills', type=int, default=0)
    parser.add_argument('--seed', type=int,
                        default=int.from_bytes(os.urandom(4), 'big'))
    args = parser.parse_args()
    print('seed: %d' % args.seed, flush=True)
    rng = random.Random(args.seed)
    now = int(time.time() * 1000)
    with packs.with_load() as extra, Chain(extra=extra) as chain:
        load = Load(chain.enterprise, rng, now)
        load.run(1.0)
        for node in chain.nodes:
            node.stop()
            shim(node, rng)
            node.start()
        done = rounds(chain, load, rng, args.rounds, args.kills)
        for node in chain.nodes:  # no more faults
            kill(node)
            node.env = {}
            node.start()
        load.finish()
        series = recovered(chain.enterprise, now)
        samples = compare_samples(load, series)
        want = recompute.figures(series)
        settle([chain.enterprise, chain.province, chain.nation], want)
    print('figure: %d SIGKILLs of running nodes %s' % (
        sum(KILLED.values()), json.dumps(KILLED, sort_keys=True)))
    print('figure: %d rounds %s, %d acknowledged messages, %d samples, '
          '%d windows equal at all three' % (
              sum(done.values()), json.dumps(done, sort_keys=True),
              len(load.acked), samples, len(want)))


if __name__ == '__main__':
    main()
