#!/usr/bin/env python3
"""The province is away; the factory works on; afterwards the nation is complete
and nothing is doubled.

  outage.py [--seconds N] [--seed N]     default 6 s
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
sys.path.insert(0, os.path.dirname(__file__))
import packs  # noqa: E402
import recompute  # noqa: E402
from chain import Chain  # noqa: E402
from crash import settle  # noqa: E402
from load import Load, compare, recovered  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=6)
    parser.add_argument('--seed', type=int, default=20261122)
    args = parser.parse_args()
    print('seed: %d' % args.seed)
    now = int(time.time() * 1000)
    with packs.with_load() as extra, Chain(extra=extra) as chain:
        load = Load(chain.enterprise.prefix, chain.enterprise.port + 1,
                    random.Random(args.seed), now)
        load.run(1.0)
        assert chain.province.stop() == 0
        before = len(load.acked)
        load.run(args.seconds)
        during = len(load.acked) - before
        assert during > 0, 'the factory stopped acknowledging'
        chain.province.start()
        start = time.monotonic()
        load.finish()
        series = recovered(chain.enterprise.get, now)
        lost, strange, _ = compare(load, series)
        assert not lost, 'acknowledged, but not there: %s' % lost[:3]
        assert not strange, 'never sent, or twice: %s' % strange[:3]
        want = recompute.figures(series)
        settle([chain.province, chain.nation], want)
        print('figure: province away %g s, %d messages acknowledged meanwhile; '
              'nation complete %.1f s after it was back, %d windows equal'
              % (args.seconds, during, time.monotonic() - start, len(want)))


if __name__ == '__main__':
    main()
