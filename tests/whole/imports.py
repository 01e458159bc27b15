#!/usr/bin/env python3
"""Files of samples, brought in with one command each.

Two public data sets from ../shared/data (skipped when they are not there) come
in whole and exact, twice the same; a file with every kind of mistake tells each
with line and column; one in GB18030 with decimal commas; an import that was
cut off goes on where it was.
"""
import csv
import datetime
import json
import os
import signal
import subprocess
import sys
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import DOUGONG, PATIENCE_S, TOP, Chain, until  # noqa: E402

DATA = os.path.join(TOP, '..', 'shared', 'data')
NAB = os.path.join(DATA, 'nab/data/realKnownCause',
                   'machine_temperature_system_failure.csv')
STEEL = os.path.join(DATA, 'steel', 'Steel_industry_data.csv')
DAY = 86400000


def bring(node, path, *args, code=0):
    done = subprocess.run(
        [DOUGONG, 'import', path, '--json', '--node', node.url, *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=900)
    assert done.returncode == code, (done.returncode, done.stderr, done.stdout)
    return json.loads(done.stdout), done.stderr.decode()


def held(node, unit, metric, start, end, span=20 * DAY):
    """{ms: text} of raw samples in [start, end]."""
    out = {}
    while start <= end:
        to = min(start + span - 1, end)
        status, answer = node.get(
            '/api/v1/query', query='%s{id="%s"}[%dms]' % (
                metric, unit, to - start + 1), time='%.3f' % (to / 1000))
        assert status == 200, answer
        for row in answer['data']['result']:
            for t, text in row['values']:
                out[round(float(t) * 1000)] = text
        start = to + 1
    return out


def ms(text):
    when = datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))
    return round(when.timestamp() * 1000)


def same(node, unit, metric, want, report):
    got = held(node, unit, metric, ms(report['from']), ms(report['to']))
    assert set(got) == set(want), (metric, len(got), len(want))
    for t, value in want.items():
        # The node keeps 15 digits and more; the text names the same double.
        assert float(got[t]) == float(value), (metric, t, got[t], str(value))


def nab(node):
    if not os.path.exists(NAB):
        print('skipped: %s is not there' % NAB)
        return
    want = {}
    with open(NAB) as f:
        for row in csv.DictReader(f):
            when = datetime.datetime.fromisoformat(row['timestamp'])
            t = when.replace(tzinfo=datetime.timezone.utc).timestamp()
            want[round(t * 1000)] = Fraction(row['value'])
    for _ in range(2):
        report, _ = bring(node, NAB, '--map', 'nab')
        assert report['rows'] == report['samples'] == 22695, report
        same(node, '88.31.1001/nab-machine', 'machine_temperature', want,
             report)
    # What the console draws of it.
    status, answer = node.get(
        '/api/v1/query_range', start='2013-12-02T21:15:00Z', step='2h',
        end='2014-02-19T15:25:00Z',
        query='machine_temperature{id="88.31.1001/nab-machine"}')
    assert status == 200, answer
    points = answer['data']['result'][0]['values']
    assert len(points) > 900, len(points)
    print('figure: nab: %d rows, %d moments, %s to %s, twice; %d points drawn'
          % (report['rows'], len(want), report['from'], report['to'],
             len(points)))


def steel(node):
    if not os.path.exists(STEEL):
        print('skipped: %s is not there' % STEEL)
        return
    zone = datetime.timezone(datetime.timedelta(hours=9))
    energy, load = {}, {}
    loads = {'Light_Load': 1, 'Medium_Load': 2, 'Maximum_Load': 3}
    with open(STEEL) as f:
        for row in csv.DictReader(f):
            when = datetime.datetime.strptime(row['date'], '%d/%m/%Y %H:%M')
            t = round(when.replace(tzinfo=zone).timestamp() * 1000)
            if (when.hour, when.minute) == (0, 0):
                t += DAY
            energy[t] = Fraction(row['Usage_kWh']) * 1000
            load[t] = loads[row['Load_Type']]
    report, _ = bring(node, STEEL, '--map', 'steel')
    assert report['rows'] == 35040 and report['samples'] == 7 * 35040, report
    assert len(energy) == 35040
    same(node, '88.31.1001/steel-works', 'quarter_energy_wh', energy, report)
    same(node, '88.31.1001/steel-works', 'load_type', load, report)
    print('figure: steel: %d rows, %d samples, %s to %s' % (
        report['rows'], report['samples'], report['from'], report['to']))


MAP = '''map: own
encoding: gb18030
separator: ";"
decimal: ","
skip: 2
id: "88.31.1001/own {设备}"
time: {column: 时间, formats: ["%Y-%m-%d %H:%M", epoch_ms], zone: "+08:00"}
missing: ["无", "NA"]
columns:
  - {column: 温度, metric: temperature_c, unit: Cel}
  - {column: 功率, metric: power_w, scale: "1000"}
  - {column: '状"态', metric: state, words: {运行: 1, 停机: 4}}
'''

OWN = '''导出文件
第二行
时间;设备;温度;功率;"状""态"
2026-11-20 08:00;甲 1/2;21,5;1,25;运行
2026-11-20 08:01;甲 1/2;无;1,30;停机
2026-11-20 08:02;甲 1/2;无;NA;
2026-11-20 08:0x;甲 1/2;21,5;1,25;运行
2026-11-20 08:04;甲 1/2;21.5;1,25;运行
2026-11-20 08:05;甲 1/2;21,5;1,25;也许
2026-11-20 08:06;甲 1/2;21,5;1,25
2026-11-20 08:07;;21,5;1,25;运行
2026-11-20 08:08;甲 1/2;"21,5"6;1,25;运行
1100-01-01 08:00;甲 1/2;21,5;1,25;运行
1990-11-20 08:00;甲 1/2;21,5;1,25;运行
1795132140000;甲 1/2;0,10000000000000001;"1,25";运行
'''


def own(node):
    """Every mistake is told with its place, and costs only its row."""
    path = os.path.join(node.dir, 'own.csv')
    chart = os.path.join(node.dir, 'own.yaml')
    with open(chart, 'w') as f:
        f.write(MAP)
    with open(path, 'w', encoding='gb18030') as f:
        f.write(OWN)
    report, said = bring(node, path, '--map', chart, code=1)
    assert report['why'] == {'time': 2, 'number': 1, 'word': 1, 'cells': 1,
                             'identifier': 1, 'quotes': 1,
                             'by the node': 1}, report
    assert (report['rows'], report['refused'], report['empty'],
            report['missing'], report['samples']) == (12, 8, 1, 4, 8), report
    for place in (':7:1: "2026-11-20 08:0x" is no time',
                  ':8:24: "21.5" is not a number',
                  ':9:34: "也许" is no word', ':10:1: 4 cells; the header has 5',
                  ':11:18: "" is not fit', ':12:24: text behind a closing',
                  ':13:1: "1100', ':14:1: refused by the node (99h): older'):
        assert path + place in said, (place, said)
    unit = '88.31.1001/own 甲 1/2'
    got = held(node, unit, 'power_w', 1795132000000, 1795132200000)
    assert got[1795132140000] == '1250', got
    got = held(node, unit, 'temperature_c', 1795132000000, 1795132200000)
    assert float(got[1795132140000]) == 0.1, got
    # A dry run finds the same, but for what only the node can say.
    report, _ = bring(node, path, '--map', chart, '--dry-run', code=1)
    assert report['refused'] == 7 and report['dry_run'], report
    print('a wrong file: 8 of 12 rows refused, each with line and column')


def wrong_maps(node):
    chart = os.path.join(node.dir, 'wrong.yaml')
    path = os.path.join(node.dir, 'own.csv')
    for old, new, want in (
            ('metric: state', 'metric: 1state', 'is no metric'),
            ('column: 温度', 'column: 湿度', 'no column "湿度"'),
            ('separator', 'seperator', 'did you mean separator?'),
            ('%Y-%m-%d', '%y-%m-%d', 'is no format of a time'),
            ('"+08:00"', 'Beijing', 'is no zone'),
            ('88.31.1001/own', '88.31.1001', 'is no identifier')):
        with open(chart, 'w') as f:
            f.write(MAP.replace(old, new))
        done = subprocess.run(
            [DOUGONG, 'import', path, '--map', chart, '--node', node.url],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S)
        assert done.returncode == 2 and want in done.stderr.decode(), (
            new, done.stderr.decode())


def cut_off(node):
    """An import that is interrupted goes on; nothing is missing, or twice."""
    path = os.path.join(node.dir, 'long.csv')
    chart = os.path.join(node.dir, 'long.yaml')
    place = os.path.join(node.dir, 'long.position')
    rows, start = 400000, 1790000000000
    with open(chart, 'w') as f:
        f.write('map: long\nid: "88.31.1001/long"\nheader: false\n'
                'time: {column: 1, formats: [epoch_s]}\n'
                'columns:\n  - {column: 2, metric: value}\n')
    with open(path, 'w') as f:
        for i in range(rows):
            f.write('%d.%03d,%d\n' % (start // 1000 + i // 10, i % 10 * 100, i))
    done = subprocess.Popen(
        [DOUGONG, 'import', path, '--map', chart, '--node', node.url,
         '--resume', place], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until('a position', lambda: os.path.exists(place))
    node.kill()
    done.send_signal(signal.SIGSTOP)  # or it may be through before it is told
    node.start()
    done.send_signal(signal.SIGINT)
    done.send_signal(signal.SIGCONT)
    out, err = done.communicate(timeout=PATIENCE_S)
    assert done.returncode == 1 and b'interrupted' in err, (out, err)
    with open(place) as f:
        line = int(f.read().rsplit('line ', 1)[1])
    assert 0 < line < rows, line
    report, _ = bring(node, path, '--map', chart, '--resume', place)
    assert report['after_line'] == line, report
    assert report['rows'] == rows - line, report
    assert not os.path.exists(place)
    got = held(node, '88.31.1001/long', 'value', start,
               start + rows * 100 - 1, span=3600000)
    assert len(got) == rows, (len(got), rows)
    assert all(int(v) == (t - start) // 100 for t, v in got.items())
    print('figure: cut off at line %d of %d, gone on, all there once' % (
        line, rows))


def main():
    with Chain(extra='retention: 20y\n') as chain:
        node = chain.enterprise
        nab(node)
        steel(node)
        own(node)
        wrong_maps(node)
        cut_off(node)


if __name__ == '__main__':
    main()
