#!/usr/bin/env python3
"""A hosted enterprise whose machines send moves to its own node, while they go
on sending.

Three machines of an enterprise that is hosted at the province send to the
province's MQTT door.  The enterprise gets its own node, without renaming.  Its
machines keep what is refused meanwhile, and send it to the new node.  Whoever
asks for their names, for a curve of before or for a figure of before gets the
same answer all the time.  Afterwards every acknowledged sample is found from
any node, every minute and hour of the nation equals what the samples make, also
those in which the move happened, and figures of before walk down as ever.
"""
import json
import os
import subprocess
import sys
import threading
import time
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, Node, until  # noqa: E402
from mqtt import Publisher  # noqa: E402
from recompute import delta  # noqa: E402

PREFIX, OTHER = '88.31.2001', '88.31/press'
UNITS = [PREFIX + '/mill-%d' % i for i in (1, 2, 3)]
METRICS = ('energy_wh_total', 'made_pcs_total', 'good_pcs_total')
MINUTE, HOUR, STEP = 60000, 3600000, 10000
NONE = {'reported': 0}
GRID = Fraction('0.5849')   # Shanghai: g per Wh
STEPS = 420                 # 70 minutes: a whole hour lies within


class Machines(threading.Thread):
    """Makes a sample of each machine per step and sends all in order, each
    until it is acknowledged, to whichever door is `port` now."""

    def __init__(self, port, start):
        super().__init__(daemon=True)
        self.port, self.start_ms, self.steps = port, start, 0
        self.door = None        # (port, client)
        self.acked, self.refusals, self.failed = {}, 0, None
        self.until = 0          # may make samples up to this step
        self.sent = 0           # steps whose samples are acknowledged
        self.ending = False

    def sample(self, step):
        t = self.start_ms + step * STEP
        for i, unit in enumerate(UNITS):
            made = step * (i + 2) + step % 3
            yield unit, t, {'energy_wh_total': 100 * i + step * (7 + i),
                            'made_pcs_total': made,
                            'good_pcs_total': made - made // 10,
                            'machine_planned': 1,
                            'machine_state': 1 + step // 20 % 4}

    def run(self):
        try:
            while not self.ending:
                if self.sent < self.until:
                    self.send(self.sent)
                else:
                    time.sleep(0.005)
        except Exception as e:      # shown by who waits for it
            self.failed = repr(e)

    def send(self, step):
        for unit, t, values in self.sample(step):
            while not self.ending and (unit, t) not in self.acked:
                try:
                    self.publish(unit, t, values)
                except OSError:
                    self.door = None
                    time.sleep(0.02)
        if not self.ending:
            self.sent = step + 1

    def publish(self, unit, t, values):
        if self.door is None or self.door[0] != self.port:
            self.door = self.port, Publisher(self.port, 'mills', version=5)
        client = self.door[1]
        number = client.publish('d/%s/%s/t' % (PREFIX, unit.split('/')[1]),
                                json.dumps({'ts': t, 'v': values}))
        client.drain()
        if client.acked.get(number) == 0:
            self.acked[unit, t] = values
        else:
            self.refusals += 1
            time.sleep(0.05)

    def reach(self, step):
        self.until = step
        until('step %d is acknowledged' % step, lambda: self.failed or
              self.sent >= step)
        assert self.failed is None, self.failed

    def series(self, unit, metric):
        return sorted((t, str(values[metric]))
                      for (of, t), values in self.acked.items() if of == unit)


def text_of(ms, hour=False):
    return time.strftime('%Y-%m-%dT%H' if hour else '%Y-%m-%dT%H:%M',
                         time.gmtime(ms / 1000 + 8 * 3600))


def figure(node, metric, at, pack='kpi/iso22400', **more):
    status, answer = node.get('/api/figures', pack=pack, metric=metric, at=at,
                              parts=0, **more)
    return answer if status == 200 else {'status': status, 'why': answer}


def curve(node, unit, metric, end, minutes):
    """Raw samples of (end - minutes, end], as text; or what was answered."""
    status, answer = node.get(
        '/api/v1/query', query='%s{id="%s"}[%dm]' % (metric, unit, minutes),
        time=end / 1000)
    if status != 200:
        return status, answer
    return [(round(float(t) * 1000), v)
            for one in answer['data']['result'] for t, v in one['values']]


def name_is(node, unit):
    """Is it a machine?  None: nobody answered in time."""
    status, answer = node.get('/api/handles/' + unit)
    if status >= 500 or status == 0:
        return None
    return status == 200 and any(
        v['type'] == 'CLASS' and v['data']['value'] == 'machine'
        for v in answer['values'])


class Asker(threading.Thread):
    """Asks the nation for what was before, all the time: a name, a curve and
    eight minutes.  On a machine under load an answer may come too late; none
    may be wrong."""

    def __init__(self, node, machines, at):
        super().__init__(daemon=True)
        self.node, self.machines, self.at = node, machines, at
        self.asked, self.late = 0, 0
        self.failed, self.ending = None, False
        until('a name is answered', lambda: name_is(node, UNITS[0]))
        self.before = until('a curve is answered', lambda: (
            lambda said: type(said[1]) is list and said)(self.answers()))

    def answers(self):
        end = self.at + 5 * MINUTE
        rows = figure(self.node, 'pq', text_of(self.at), last=8)
        return ([[row.get(k) for k in ('value', 'reported', 'expected')]
                 for row in rows.get('figures', [])], curve(self.node, UNITS[0], 'made_pcs_total', end, 5))

    def run(self):
        while not self.ending and self.failed is None:
            got, named = self.answers(), name_is(self.node, UNITS[1])
            late = named is None or type(got[1]) is tuple
            if not late and (got != self.before or not named):
                self.failed = got, named
            self.asked += not late
            self.late += late


def prepare(chain):
    province = chain.province
    province.stop()
    with open(province.yaml, 'a') as f:
        f.write('engines: [ident, stream, rollup]\n'
                'doors: {mqtt: {profile: open, register: auto}}\n')
    province.start()
    until('the province is linked', province.linked)
    province.ctl('prefix', 'host', PREFIX, '--quota', '100')
    for unit in UNITS:
        province.ctl('register', unit, '--class', 'machine',
                     'CODE.region=310000')


def minutes_of(machines):
    first = machines.start_ms // MINUTE * MINUTE
    last = machines.start_ms + machines.sent * STEP
    return range(first, last - MINUTE + 1, MINUTE)


def truth_of(machines):
    """What the samples make: {minute: (pieces, Wh, machines)}, {hour: (Wh, g)}."""
    minutes = minutes_of(machines)
    series = {(unit, metric): machines.series(unit, metric)
              for unit in UNITS for metric in METRICS}

    def sums(metric, start, end):
        return [delta(series[unit, metric], start, end, 0) for unit in UNITS]
    hours = {}
    for start in {m // HOUR * HOUR for m in minutes}:
        if start in minutes and start + HOUR - MINUTE in minutes:
            each = sums('energy_wh_total', start, start + HOUR)
            hours[start] = sum(each), sum(round(wh * GRID) for wh in each)
    assert hours, minutes
    return {start: (str(sum(sums('made_pcs_total', start, start + MINUTE))),
                    str(sum(sums('energy_wh_total', start, start + MINUTE))),
                    len(UNITS)) for start in minutes}, hours


def equal_at(node, wants, hours):
    """Every minute and whole hour at this node: what the samples make."""
    def differs():
        got = {}
        for metric in ('pq', 'energy'):
            row = figure(node, metric, text_of(max(wants)),
                         last=len(wants))
            for one in row.get('figures', []):
                got.setdefault(one['from'], {})[metric] = one
        return [(text_of(start), want, got.get(start))
                for start, want in wants.items()
                if start not in got or
                (got[start]['pq']['value'], got[start]['energy']['value'],
                 got[start]['pq']['reported']) != want or
                got[start]['pq']['expected'] != len(UNITS)]
    try:
        until('minutes', lambda: not differs(), pause=0.2)
    except AssertionError:
        raise AssertionError((node.prefix, len(differs()), differs()[:3]))
    for start, pair in hours.items():
        for metric, want in zip(('electricity', 'co2'), pair):
            until('%s: %s of %s' % (node.prefix, metric, text_of(start, True)),
                  lambda: figure(node, metric, text_of(start, True),
                                 'energy/carbon').get('value') == str(want))
    return 2 * len(wants) + 2 * len(hours)


def units_below(node, at, **more):
    """{machine: (value, samples, digest)} that the nation's figure is from."""
    status, answer = node.get('/api/figures/explain', pack='kpi/iso22400',
                              metric='pq', at=at, **more)
    found, entries = {}, list(answer['entries']) if status == 200 else []
    for entry in entries:
        entries += entry.get('below', [])
        if entry['kind'] == 'unit':
            found[entry['name']] = (entry['value'], entry.get('samples'),
                                    entry.get('digest'))
    return found


def past_of(chain, at, moment):
    """What province and nation had at that moment, and what it came from."""
    return moment, [
        (figure(node, 'pq', at, asof=moment).get('value'),
         units_below(node, at, asof=moment))
        for node in (chain.province, chain.nation)]


def all_found(chain, machines):
    """By its own node and those above; another enterprise sees nothing."""
    end = machines.start_ms + machines.sent * STEP
    until('links', lambda: curve(chain.enterprise, UNITS[0], METRICS[0], end,
                                 5) == [])
    for node in set(chain.nodes) - {chain.enterprise}:
        for unit in UNITS:
            for metric in METRICS:
                want = machines.series(unit, metric)
                until('%s: %d samples of %s %s' % (node.prefix, len(want), unit,
                                                   metric),
                      lambda: curve(node, unit, metric, end,
                                    STEPS // 6 + 5) == want)


def taken_back(chain, machines, own):
    """What is exported is refused, after a restart too; taken back, it goes on."""
    province = chain.province
    province.ctl('prefix', 'export', PREFIX, os.path.join(own.dir, 'old'))
    before = machines.refusals
    machines.until += 20
    until('refused', lambda: machines.refusals > before)
    province.kill()
    province.start()
    until('the province is linked', province.linked)
    before, sent = machines.refusals, machines.sent
    until('refused again', lambda: machines.refusals > before + 2)
    assert machines.sent == sent
    province.ctl('prefix', 'resume', PREFIX)
    machines.reach(machines.until)


def moves(chain, machines, own):
    province = chain.province
    bundle = os.path.join(own.dir, 'bundle')
    machines.until = STEPS * 2 // 3     # goes on during all this
    sent = machines.sent
    until('some more', lambda: machines.sent > sent + 5)
    province.ctl('prefix', 'export', PREFIX, bundle)
    stopped = machines.sent
    own.start()
    got = json.loads(own.ctl('prefix', 'import', PREFIX, bundle).stdout)
    assert got['samples'] >= 5 * len(machines.acked) and \
        got['samples_old'] == 0 and got['figures'] > 0, got
    again = json.loads(own.ctl('prefix', 'import', PREFIX, bundle).stdout)
    assert again['made'] == 0 and again['figures_made'] == 0, again
    own.stop()
    own.join()
    own.start()
    chain.nodes.append(own)
    assert machines.sent <= stopped + 1, (machines.sent, stopped)
    machines.port = own.port + 1
    until('its node has linked', lambda: province.ctl(
        'prefix', 'moved', PREFIX, check=False).returncode == 0)
    machines.reach(STEPS)
    return stopped, got


def main():
    now = int(time.time() * 1000)
    edge = (now - 10 * MINUTE) // HOUR * HOUR
    start = edge - HOUR - 4 * MINUTE    # steps end 6 minutes behind the edge
    with Chain(extra='codes: {region: "310000"}\n') as chain:
        prepare(chain)
        own = Node(chain, PREFIX, 'enterprise', chain.province,
                   extra='codes: {region: "310000"}\n')
        machines = Machines(chain.province.port + 1, start)
        machines.start()
        machines.reach(STEPS // 3)
        taken_back(chain, machines, own)
        early = minutes_of(machines)[12]
        old = text_of(early)
        until('figures of before', lambda: [
            row['reported'] for row in figure(
                chain.nation, 'pq', old, last=13).get('figures', [])] ==
            13 * [len(UNITS)])
        asker = Asker(chain.nation, machines, early)
        hour = text_of(edge - HOUR, True)
        until('sealed', lambda: chain.province.ctl(
            'figure', 'seal', 'energy/carbon', hour,
            check=False).returncode == 0)
        sealed = figure(chain.province, 'electricity', hour, 'energy/carbon',
                        vintage=1)
        assert sealed.get('value'), sealed
        until('it walks down to the machines', lambda: set(units_below(
            chain.nation, old)) == set(UNITS))
        below = units_below(chain.nation, old)
        past = past_of(chain, old, int(time.time() * 1000))
        asker.start()
        stopped, got = moves(chain, machines, own)
        asker.ending = True
        asker.join()
        assert asker.failed is None, (asker.before, asker.failed)
        assert asker.asked > 10, asker.asked
        print('machines: asked %d times meanwhile (%d too late), name, curve and '
              'figure as before; %d samples moved, %d times refused and sent to '
              'the new node' % (asker.asked, asker.late, got['samples'],
                                machines.refusals))
        truth, count = truth_of(machines), 0
        for node in (own, chain.province, chain.nation):
            count += equal_at(node, *truth)
        all_found(chain, machines)
        assert units_below(chain.nation, old) == below
        assert past_of(chain, old, past[0]) == past
        for metric in ('value', 'reported', 'root'):
            assert figure(chain.province, 'electricity', hour, 'energy/carbon',
                          vintage=1).get(metric) == sealed.get(metric), sealed
        assert figure(chain.province, 'electricity', hour,
                      'energy/carbon')['pending'], hour
        print('machines: %d samples acknowledged, found from its node, the '
              'province and the nation; %d figures equal what they make (step '
              '%d was the move)' % (5 * len(machines.acked), count, stopped))
        for node in (own, chain.province, chain.nation):
            node.kill()
            node.start()
        for node in (own, chain.province, chain.nation):
            equal_at(node, *truth)
        all_found(chain, machines)
        machines.ending = True


main()
