#!/usr/bin/env python3
"""What the packs make of the simulated plants, against the plants' truth.

Each works runs into a real enterprise below a province and the nation, and is
killed on the way.  Then at all three the measures of kpi/iso22400 and
energy/carbon equal the truth's sums over machines, to the integer, in every
minute (every hour); and OEE is one division of those sums.

  oee.py [--hours H]     of plant time; default 2.1 for one works, which has a
                         whole hour in it, and 0.6 for the others
"""
import argparse
import datetime
import json
import os
import subprocess
import sys
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import DOUGONG, Chain, until  # noqa: E402

# measure of the pack: key of the truth
MEASURES = {
    'pbt': 'planned_ms', 'apt': 'run_ms', 'aust': 'setup_ms',
    'idle': 'idle_ms', 'down': 'down_ms', 'stop': 'stop_ms',
    'pq': 'made_pcs', 'gq': 'good_pcs', 'sq': 'scrap_pcs',
    'std_pq': 'std_made_ms', 'std_gq': 'std_good_ms', 'energy': 'wh',
}
RATIOS = {
    'availability': ('apt', 'pbt'), 'effectiveness': ('std_pq', 'apt'),
    'quality': ('gq', 'pq'), 'oee': ('std_gq', 'pbt'),
}
GRID = Fraction('0.5849')   # Shanghai: g per Wh


def plant(works, node, truth, hours, *more):
    return subprocess.Popen(
        [DOUGONG, 'plant', works, '--config', node.yaml, '--prefix', node.prefix,
         '--hours', str(hours), '--speed', '1000000', '--seed', '5',
         '--truth', truth, *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def lines_of(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def register(node, truth):
    """Every machine of the plant, by a dry run's truth, of class machine."""
    ids = sorted({row['id'] for row in lines_of(truth) if 'series' in row})
    for unit in ids:
        node.ctl('register', unit, 'CLASS=machine')
    return ids


def values(node, pack, metric, window, last):
    """{start of window: figure}, of the last windows up to that one."""
    status, answer = node.get('/api/figures', pack=pack, metric=metric,
                              at=window, last=last)
    if status != 200:
        return {}
    return {row['from']: row for row in answer['figures']}


def text_of(ms, minute):
    local = datetime.timezone(datetime.timedelta(hours=8))
    when = datetime.datetime.fromtimestamp(ms / 1000, local)
    return when.strftime('%Y-%m-%dT%H:%M' if minute else '%Y-%m-%dT%H')


def sums(rows, key):
    total = {}
    for row in rows:
        of = total.setdefault(row[key], {'units': 0})
        of['units'] += 1
        for name in MEASURES.values():
            of[name] = of.get(name, 0) + row[name]
    return total


def rounded(value, digits):
    scaled = value * 10 ** digits
    whole = abs(scaled).__floor__()
    whole += abs(scaled) - whole >= Fraction(1, 2)
    return (whole if scaled >= 0 else -whole), digits


def same_number(text, value, digits=2):
    return Fraction(text) * 10 ** digits == rounded(value, digits)[0]


def minutes_equal(chain, minutes):
    last, checked = text_of(max(minutes), True), 0
    for node in reversed(chain.nodes):     # the enterprise first
        for measure, key in [*MEASURES.items(), ('unknown', None)]:
            def differs():
                got = values(node, 'kpi/iso22400', measure, last,
                             len(minutes))
                return [(text_of(start, True), want.get(key, 0),
                         got.get(start))
                        for start, want in minutes.items()
                        if start not in got or got[start]['value'] is None
                        or int(got[start]['value']) != want.get(key, 0)
                        or got[start]['reported'] != want['units']]
            try:
                until(measure, lambda: not differs(), pause=0.2)
            except AssertionError:
                raise AssertionError((node.prefix, measure, differs()[:3]))
            checked += len(minutes)
    return checked


def ratios_equal(chain, minutes):
    checked = 0
    for name, (a, b) in RATIOS.items():
        got = values(chain.nation, 'kpi/iso22400', name,
                     text_of(max(minutes), True), len(minutes))
        for start, want in minutes.items():
            below = want[MEASURES[b]]
            if below:
                value = Fraction(100 * want[MEASURES[a]], below)
                assert same_number(got[start]['value'], value), (
                    name, got[start], want)
                checked += 1
    return checked


def hours_equal(chain, minutes):
    """Whole hours: the meters' Wh, and grams of CO2 within the rounding of
    each machine."""
    hours = {}
    for start, row in minutes.items():
        of = hours.setdefault(start // 3600000 * 3600000, [0, 0])
        of[0] += 1
        of[1] += row['wh']
    checked = 0
    for start, (count, wh) in sorted(hours.items()):
        if count < 60:
            continue

        def one(metric):
            return values(chain.nation, 'energy/carbon', metric,
                          text_of(start, False), 1).get(start, {})
        until('energy of an hour',
              lambda: one('electricity').get('value') == str(wh))
        co2, units = one('co2'), minutes[start]['units']
        assert abs(int(co2['value']) - wh * GRID) <= Fraction(units, 2), co2
        status, by = chain.nation.get(
            '/api/figures', pack='energy/carbon', metric='co2_kg',
            at=text_of(start, False), by='region')
        assert status == 200 and [
            (row['code'], row['value']) for row in by['rows']] == [
                ('310000', '%d.%03d' % divmod(int(co2['value']), 1000))], by
        checked += 1
    return checked


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--hours', type=float)
    args = parser.parse_args()
    for works, hours in (('pump', 0.6), ('machining', 2.1),
                         ('electronics', 0.6)):
        hours = args.hours or hours
        with Chain(extra='codes: {region: "310000"}\n') as chain:
            truth = os.path.join(chain.dir, 'truth')
            dry = plant(works, chain.enterprise, truth, 0.1, '--dry-run')
            dry.communicate(timeout=900)
            units = register(chain.enterprise, truth)
            running = plant(works, chain.enterprise, truth, hours)
            until('samples', lambda: chain.enterprise.metrics().get(
                'dougong_ingest_samples_total{door="mqtt"}', 0) > 2000)
            chain.enterprise.kill()
            chain.enterprise.start()
            out, err = running.communicate(timeout=900)
            assert running.returncode == 0, (out, err)
            rows = [row for row in lines_of(truth)
                    if row.get('window') == 'minute']
            minutes = sums(rows, 'from_ms')
            measures = minutes_equal(chain, minutes)
            ratios = ratios_equal(chain, minutes)
            whole_hours = hours_equal(chain, minutes)
            oee = Fraction(100 * sum(m['std_good_ms'] for m in minutes.values()),
                           sum(m['planned_ms'] for m in minutes.values()))
            print('figure: %s, simulated: %d machines, %d minutes: %d sums, %d '
                  'ratios and %d hours of energy equal the truth at three '
                  'levels; OEE %.1f %%' % (works, len(units), len(minutes),
                                           measures, ratios, whole_hours,
                                           oee))


if __name__ == '__main__':
    main()
