#!/usr/bin/env python3
"""Simulated plants, and what the tree knows of them, against their truth.

Every works runs for more than half an hour of its own time into a real
enterprise below a province and the nation; in the middle the enterprise is
killed.  Afterwards every sample is there, and every count of the pack
kpi/iso22400 at the nation, its ratios and the electricity are those of the
truth, to the integer; and so are energy and carbon dioxide of each works, which
the nation's figure walks down to machine by machine.
"""
import json
import os
import re
import subprocess
import sys
import time
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import DOUGONG, Chain, until  # noqa: E402

HOUR = 3600000
GRID = Fraction('0.5849')   # Shanghai: g per Wh
WORKS = ('pump', 'machining', 'electronics')
START = '2026-11-21T23:30:00Z'


def run(*args, code=0, **more):
    done = subprocess.run([DOUGONG, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=900, **more)
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


def works_into(chain, works, kill, begin):
    """The last 36 minutes of a shift: a minute, an hour and a shift end with
    the run, so that all of its windows can be compared."""
    factory = chain.enterprise
    truth = os.path.join(chain.dir, works + '.truth')
    done = subprocess.Popen(
        [DOUGONG, 'plant', works, '--config', factory.yaml, '--prefix',
         factory.prefix, '--hours', '0.6', '--speed', '1000000', '--seed', '5',
         '--start', begin, '--truth', truth],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if kill:
        until('samples', lambda: factory.metrics().get(
            'dougong_ingest_samples_total{door="mqtt"}', 0) > 1000)
        factory.kill()
        factory.start()
    out, err = done.communicate(timeout=900)
    assert done.returncode == 0, (out, err)
    assert b'simulated' in out and b' 0 refused' in out, out
    print('figure: ' + out.decode().strip())
    return truth


def checked(node, *truths):
    """plant check, until what is under way has arrived."""
    def asked():
        done = subprocess.run([DOUGONG, 'plant', 'check', *truths, '--node',
                               node.url], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=900)
        checked.said = done.stdout.decode() + done.stderr.decode()
        return done.returncode == 0 and checked.said
    try:
        said = until('equal', asked, pause=0.5)
    except AssertionError:
        raise AssertionError(checked.said[:4000])
    print('figure: %s: %s' % (node.prefix, said.strip()))
    # 36 minutes and a shift with 13 counts and 4 ratios, and an hour.
    assert int(re.search(r'(\d+) figures', said)[1]) >= 37 * 17 + 1, said
    return said


def hour_of(truths, start):
    """{works: {machine: Wh}} of the hour that begins at start."""
    works = {}
    for name, path in zip(WORKS, truths):
        of = works[name] = {}
        for row in map(json.loads, open(path)):
            if row.get('window') == 'minute' and \
                    start <= row['from_ms'] < start + HOUR:
                of[row['id']] = of.get(row['id'], 0) + row['wh']
    return works


def machines_of(node, metric, at):
    """{machine: value} that the figure of this node walks down to."""
    status, answer = node.get('/api/figures/explain', pack='energy/carbon',
                              metric=metric, at=at)
    found, entries = {}, list(answer['entries']) if status == 200 else []
    for entry in entries:
        entries += entry.get('below', [])
        if entry['kind'] == 'unit':
            assert entry['name'] not in found, entry
            found[entry['name']] = int(entry['value'])
    return found


def carbon_equal(chain, truths, start):
    """The hour that the run ends with, at all three: sums to the integer (the
    grams of each machine are rounded once, half to even), ratios by one
    division; and of each works."""
    at = time.strftime('%Y-%m-%dT%H', time.gmtime(start / 1000 + 8 * 3600))
    works = hour_of(truths, start)
    grams = {name: {unit: round(wh * GRID) for unit, wh in of.items()}
             for name, of in works.items()}
    wh, g = [sum(sum(of.values()) for of in by.values())
             for by in (works, grams)]
    wants = {'electricity': str(wh), 'energy': str(wh),
             'energy_covered': str(wh), 'scope2': str(g), 'co2': str(g),
             'energy_kwh': '%d.%03d' % divmod(wh, 1000),
             'co2_kg': '%d.%03d' % divmod(g, 1000)}
    for node in reversed(chain.nodes):
        for metric, want in wants.items():
            until('%s %s' % (node.prefix, metric), lambda: node.get(
                '/api/figures', pack='energy/carbon', metric=metric, at=at,
                parts=0)[1].get('value') == want)
        status, row = node.get('/api/figures', pack='energy/carbon', at=at,
                               metric='intensity', parts=0)
        assert abs(Fraction(row['value']) - Fraction(1000 * g, wh)) <= \
            Fraction(1, 20), (node.prefix, row['value'], g, wh)
        for metric, by in (('electricity', works), ('co2', grams)):
            each = {unit: value for of in by.values()
                    for unit, value in of.items()}
            until('%s: machines of %s' % (node.prefix, metric),
                  lambda: machines_of(node, metric, at) == each, pause=0.5)
    for name, of in works.items():
        print('figure: %s (simulated): %s: %d machines, %d Wh, %d g of carbon '
              'dioxide, equal at enterprise, province and nation' % (
                  name, at, len(of), sum(of.values()),
                  sum(grams[name].values())))


def a_lie_is_found(chain, truths):
    """One piece more in a series, one good piece less in a minute, no end."""
    lines = open(truths[0]).read().splitlines()
    false = truths[0] + '.false'

    def told(change):
        rows = list(lines)
        change(rows)
        with open(false, 'w') as f:
            f.write('\n'.join(rows) + '\n')
        return run('plant', 'check', false, *truths[1:], '--node',
                   chain.enterprise.url, code=1).decode()

    def series(rows):
        at = next(i for i, line in enumerate(rows)
                  if '"made_pcs_total"' in line)
        row = json.loads(rows[at])
        rows[at] = json.dumps({**row, 'sum': row['sum'] + 1})

    def minute(rows):
        at = next(i for i, line in enumerate(rows) if '"minute"' in line)
        row = json.loads(rows[at])
        rows[at] = json.dumps({**row, 'down_ms': row['down_ms'] + 1})
    said = told(series)
    assert 'made_pcs_total: sum' in said and ': 1 differences' in said, said
    said = told(minute)
    # The machine and all of them, and what is left of the minute.
    assert ' down: ' in said and ': 4 differences' in said, said
    told(lambda rows: rows.pop())


def main():
    edge = int(time.time() * 1000) // (8 * HOUR) * 8 * HOUR
    begin = time.strftime('%Y-%m-%dT%H:%M:%SZ',
                          time.gmtime((edge - 36 * 60000) / 1000))
    packs = ('packs: [host, kpi/iso22400, energy/carbon]\n'
             'codes: {region: "310000"}\n')
    with Chain(extra=packs) as chain:
        for works, count in same_seed_same_bytes(chain.dir):
            print('%s: %d messages, twice the same bytes' % (works, count))
        truth_is_consistent(chain.dir)
        truths = [works_into(chain, works, works == 'pump', begin)
                  for works in WORKS]
        said = checked(chain.enterprise, *truths)
        assert '576 series' in said, said
        checked(chain.province, *truths, '--figures')
        checked(chain.nation, *truths, '--figures')
        carbon_equal(chain, truths, edge - HOUR)
        a_lie_is_found(chain, truths)


if __name__ == '__main__':
    main()
