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

  crash.py [--rounds N | --kills N] [--seed N]      default 10 rounds, always
the same seed

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
import packs  # noqa: E402
import recompute  # noqa: E402
from chain import BUILD, PATIENCE_S, Chain, http, until  # noqa: E402
from load import Load, compare, differences, figures, recovered  # noqa: E402


def settle(nodes, want, seconds=PATIENCE_S):
    state = {}

    def equal():
        for node in nodes:
            got = figures(node.get, 'load')
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
    until('%s has failed by a sync' % node.prefix, failed)
    kill(node)


def fault_full(load, node, rng):
    """No space, then space again: no restart."""
    open(node.full, 'w').close()
    load.run(0.2 + rng.random() * 0.3)
    os.unlink(node.full)
    until('%s takes writes again' % node.prefix, lambda: load.run(0.1) or
          http(node.url + '/readyz')[0] == 200)


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
    parser.add_argument('--seed', type=int, default=20261122)
    args = parser.parse_args()
    print('seed: %d' % args.seed, flush=True)
    rng = random.Random(args.seed)
    now = int(time.time() * 1000)
    with packs.with_load() as extra, Chain(extra=extra) as chain:
        # Apart: how much it sends does not change what is broken next.
        load = Load(chain.enterprise.prefix, chain.enterprise.port + 1,
                    random.Random(rng.random()), now)
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
        series = recovered(chain.enterprise.get, now)
        lost, strange, samples = compare(load, series)
        assert not lost, 'acknowledged, but not there: %s' % lost[:3]
        assert not strange, 'never sent, or twice: %s' % strange[:3]
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
