#!/usr/bin/env python3
"""Simulated plants, and what the tree knows of them, against their truth.

Every works runs for more than half an hour of its own time into a real
enterprise below a province and the nation; in the middle the enterprise is
killed.  Afterwards every sample is there, to the integer.

  plant.py [--hours H] [--speed N]     default 0.6 h each, 400 times as fast
"""
import argparse
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import DOUGONG, Chain, until  # noqa: E402

WORKS = ('pump', 'machining', 'electronics')
START = '2026-11-21T23:30:00Z'


def run(*args, code=0, **more):
    done = subprocess.run([DOUGONG, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=300, **more)
    assert done.returncode == code, (args, done.returncode, done.stderr[-2000:],
                                     done.stdout[-2000:])
    return done.stdout


def same_seed_same_bytes(folder):
    truth = os.path.join(folder, 'dry')
    for works in WORKS:
        said = []
        for seed in ('7', '7', '8'):
            out = run('plant', works, '--dry-run', '--hours', '9', '--seed',
                      seed, '--start', START, '--truth', truth)
            said.append((out, open(truth, 'rb').read()))
        assert said[0] == said[1] and said[0] != said[2], works
        yield works, said[0][0].count(b'\n')


def truth_is_consistent(folder):
    """What the messages say, worked out again here, is what the truth says."""
    path = os.path.join(folder, 'dry')
    for works in WORKS:
        out = run('plant', works, '--dry-run', '--hours', '9', '--start', START,
                  '--truth', path)
        lines = [json.loads(line) for line in open(path)]
        shifts = {row['id']: row for row in lines
                  if row.get('window') == 'shift'}
        start = min(row['from_ms'] for row in shifts.values())
        sums = {}
        for row in lines:
            if row.get('window') == 'minute' and start <= row['from_ms'] \
                    < start + 8 * 3600000:
                total = sums.setdefault(row['id'], {})
                for key, value in row.items():
                    if key not in ('from_ms', 'to_ms', 'ideal_cycle_ms',
                                   'oee_ppm') and isinstance(value, int):
                        total[key] = total.get(key, 0) + value
        for unit, total in sums.items():
            for key, value in total.items():
                assert shifts[unit][key] == value, (works, unit, key)
            states = sum(total[k] for k in ('run_ms', 'setup_ms', 'idle_ms',
                                            'down_ms', 'stop_ms'))
            assert states == 8 * 3600000, (unit, states)
            assert total['planned_ms'] + total['stop_ms'] == 8 * 3600000
            assert total['std_made_ms'] <= total['run_ms'] + 100000, unit
        last = {}
        for line in out.decode().splitlines():
            topic, payload = line.split(' ', 1)
            for name, value in json.loads(payload)['v'].items():
                last[topic[2:-2], name] = value
        for row in lines:
            if 'series' in row:
                value = last[row['id'], row['series']]
                assert round(value * 10 ** row['decimals']) == row['last'], row


def works_into(chain, works, args, kill):
    factory = chain.enterprise
    # What is killed should have its hands full.
    hours, speed = (2, 1000000) if kill else (args.hours, args.speed)
    truth = os.path.join(chain.dir, works + '.truth')
    done = subprocess.Popen(
        [DOUGONG, 'plant', works, '--node', factory.url, '--prefix',
         factory.prefix, '--hours', str(hours), '--speed',
         str(speed), '--seed', '5', '--truth', truth],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if kill:
        until('samples', lambda: factory.metrics().get(
            'dougong_ingest_samples_total{door="mqtt"}', 0) > 2000, 60)
        factory.kill()
        factory.start()
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, (out, err)
    assert b'simulated' in out and b' 0 refused' in out, out
    checked = run('plant', 'check', truth, '--node', factory.url)
    assert b': 0 differences' in checked, checked
    return truth, out.decode().strip(), checked.decode().strip()


def a_lie_is_found(chain, truth):
    lines = open(truth).read().splitlines()
    at = next(i for i, line in enumerate(lines) if '"made_pcs_total"' in line)
    row = json.loads(lines[at])
    row['sum'] += 1
    lines[at] = json.dumps(row)
    false = truth + '.false'
    with open(false, 'w') as f:
        f.write('\n'.join(lines) + '\n')
    out = run('plant', 'check', false, '--node', chain.enterprise.url, code=1)
    assert b'made_pcs_total' in out and b': 1 differences' in out, out
    with open(false, 'w') as f:
        f.write('\n'.join(lines[:-1]) + '\n')
    run('plant', 'check', false, '--node', chain.enterprise.url, code=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--hours', type=float, default=0.6)
    parser.add_argument('--speed', type=int, default=400)
    args = parser.parse_args()
    with Chain() as chain:
        for works, count in same_seed_same_bytes(chain.dir):
            print('%s: %d messages, twice the same bytes' % (works, count))
        truth_is_consistent(chain.dir)
        for works in WORKS:
            truth, sent, checked = works_into(chain, works, args,
                                              kill=works == 'pump')
            print('figure: %s; %s' % (sent, checked))
        a_lie_is_found(chain, truth)


if __name__ == '__main__':
    main()
