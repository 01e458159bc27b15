#!/usr/bin/env python3
"""The whole-tree story; it grows with each issue.

1. A machine works. Its own figures go through the MQTT door, are kept, folded,
   added up at the province and the nation, and the nation's figure walks back
   to the machine.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, until  # noqa: E402


def figure(node, metric, **more):
    done = node.ctl('figure', 'show', 'host', metric, '--json', check=False)
    if done.returncode != 0:
        return None
    return json.loads(done.stdout)


def first_sentence(chain):
    factory, nation = chain.enterprise, chain.nation

    def live():
        status, answer = factory.get(
            '/api/v1/series', **{'match[]': '{id="88.31.1001/host"}'})
        return status == 200 and len(answer['data']) >= 10 and answer['data']
    series = until('live series of the machine', live)
    names = {row['__name__'] for row in series}
    assert 'host_cpu_busy_seconds_total' in names, names

    def complete():
        got = figure(nation, 'cpu_share')
        if not got:
            return None
        row = got['figures'][-1] if 'figures' in got else got
        return row if row['value'] is not None and row['reported'] == 1 else None
    row = until('a complete minute at the nation', complete, 300, 0.5)
    assert row['expected'] == 1, row
    assert 0 <= float(row['value']) <= 100, row
    window = row['window']
    # As of one moment: what came late is a later revision of the window.
    then = str(json.loads(nation.ctl('figure', 'asof', 'host', window,
                                     '--json').stdout)['asof'])
    table = nation.ctl('figure', 'asof', 'host', window, then,
                       '--parts').stdout
    done = nation.ctl('figure', 'explain', 'host', 'cpu_share', '--at', window,
                      '--verify')
    text = done.stdout.decode()
    for word in ('88', '88.31', '88.31.1001', '88.31.1001/host', 'cpu_busy',
                 'signatures: 2 right, 0 wrong, 0 not to be checked'):
        assert word in text, (word, text)
    # The same window has the same value at every level.
    def values():
        out = [json.loads(node.ctl('figure', 'show', 'host', 'cpu_share',
                                   '--at', window, '--json').stdout)
               for node in chain.nodes]
        return {(one['figures'][-1] if 'figures' in one else one)['value']
                for one in out}
    until('one value at three levels', lambda: len(values()) == 1)
    # Sealed, and asked as of before: the same bytes.
    assert b'vintage 1' in nation.ctl('figure', 'seal', 'host', window).stdout
    again = nation.ctl('figure', 'seal', 'host', window, check=False)
    assert again.returncode == 4 and b'vintage 1' in again.stderr, again
    assert table == nation.ctl('figure', 'asof', 'host', window, then,
                               '--parts').stdout, table
    done = nation.ctl('figure', 'history', 'host', window, '88.31')
    assert b'88.31 epoch 1 revision' in done.stdout, done.stdout
    # The nation draws the machine's curve, which it does not keep itself.
    done = nation.ctl('query', 'host_memory_used_kibibytes'
                      '{id="88.31.1001/host"}')
    assert re.search(rb'host_memory_used_kibibytes', done.stdout), done.stdout
    print('figure: nation cpu_share %s at %s, coverage %d of %d; equal at three '
          'levels; explained down to 88.31.1001/host' % (
              row['value'], window, row['reported'], row['expected']))


def main():
    with Chain(host=True) as chain:
        first_sentence(chain)


if __name__ == '__main__':
    main()
