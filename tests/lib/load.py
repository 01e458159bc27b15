"""Senders that know what was acknowledged, and whether it is there.

A sender publishes counters of a few machines by MQTT QoS 1, with its own times
in the past, writes down what it sent and what was acknowledged, and sends again
what was not.  Afterwards its records, and nothing of the program's own, say
what must be stored, and with recompute.py what the nation must show.
"""
import time

import mqtt
import recompute

SPAN = 40 * 60 * 1000
WINDOW = 20  # the Receive Maximum of profile open
MACHINES = 4


class Load:
    """Counters of a few machines, backdated over the last 40 minutes.

    names   prefix of the machines' suffixes ("load-" gives 88.31.1001/load-0)
    series  prefix of the series' names
    record  a path: each acknowledged message is a line of it, as it comes
    twice   every message is sent twice
    rate    messages a second at most; None: as fast as they are acknowledged
    """

    def __init__(self, prefix, port, rng, now, names='load-', series='',
                 record=None, twice=False, rate=None, client='load'):
        self.prefix, self.port, self.rng = prefix, port, rng
        self.names, self.series, self.client = names, series, client
        self.now, self.start = now, now - SPAN
        self.made = [0] * MACHINES
        self.energy = [0] * MACHINES
        self.clock = self.start
        self.sent, self.acked, self.again = {}, {}, []
        self.twice, self.rate, self.due = twice, rate, time.monotonic()
        self.record = open(record, 'w', buffering=1) if record else None
        self.publisher = None

    @property
    def units(self):
        return ['%s/%s%d' % (self.prefix, self.names, i)
                for i in range(MACHINES)]

    def message(self):
        machine = self.rng.randrange(MACHINES)
        self.clock += self.rng.randrange(20, 400)
        if self.clock >= self.now - 60000:
            self.clock = self.start + self.rng.randrange(1000)
        t = self.clock
        key = (self.units[machine], t)
        if key in self.sent:
            return None
        self.made[machine] += self.rng.randrange(5)
        self.energy[machine] += self.rng.randrange(2000)
        if self.rng.random() < 0.002:
            self.made[machine] = 0
        self.sent[key] = {
            self.series + 'made_total': str(self.made[machine]),
            self.series + 'energy_total': '%d.%03d' % divmod(
                self.energy[machine], 1000),
            self.series + 'stock': str(self.rng.randrange(100))}
        return key

    def payload(self, key):
        values = self.sent[key]
        return '{"ts":%d,"v":{%s}}' % (key[1], ','.join(
            '"%s":%s' % kv for kv in values.items()))

    def send(self, key):
        for _ in range(2 if self.twice else 1):
            self.publisher.publish('d/%s/t' % key[0], self.payload(key),
                                   note=key)

    def pace(self):
        """False: it is not time for another."""
        if self.rate is None:
            return True
        now = time.monotonic()
        if now < self.due:
            return False
        self.due = max(self.due + 1 / self.rate, now - 0.1)
        return True

    def run(self, seconds, stop=None):
        """Publish for a while; a lost connection only moves what was owed to
        what is sent again."""
        end = time.monotonic() + seconds

        def goes_on():
            return time.monotonic() < end and not (stop and stop.is_set())
        while goes_on():
            try:
                if self.publisher is None:
                    self.publisher = mqtt.Publisher(
                        self.port, self.client, version=5, timeout=2)
                while goes_on():
                    full = len(self.publisher.waiting) >= WINDOW - 1
                    if full or not self.pace():
                        self.take(0.2 if full else 0.002)
                        continue
                    key = self.again.pop() if self.again else self.message()
                    if key is not None:
                        self.send(key)
                    self.take(0)
            except OSError:
                self.lost()
                time.sleep(0.02)

    def take(self, timeout):
        for key in self.publisher.pump(timeout):
            self.acknowledged(key)
        if self.publisher.refused:
            self.again += self.publisher.refused
            self.publisher.refused = []
            time.sleep(0.01)

    def acknowledged(self, key):
        if self.record and key not in self.acked:
            self.record.write('%s %d %s\n' % (
                key[0], key[1], self.payload(key)))
        self.acked[key] = True

    def lost(self):
        if self.publisher:
            self.again += [k for k in self.publisher.waiting.values()
                           if k is not None]
            self.publisher.close()
            self.publisher = None

    def finish(self, seconds=120):
        """Until everything sent is acknowledged."""
        end = time.monotonic() + seconds
        while True:
            self.run(0.3)
            if self.publisher:
                try:
                    for key in self.publisher.drain(5):
                        self.acknowledged(key)
                except OSError:
                    self.lost()
            if not self.again and self.publisher and \
                    not self.publisher.waiting:
                return
            if time.monotonic() > end:
                raise AssertionError('not acknowledged in %g s' % seconds)


def recovered(ask, now, series='', units=None):
    """{(id, metric): sorted [(t, text)]} as a node holds it; ask(path,
    **parameters) -> (status, answer).  metric without the prefix `series`."""
    out = {}
    for metric in ('made_total', 'energy_total', 'stock'):
        for unit in units or [None]:
            which = '' if unit is None else '{id="%s"}' % unit
            status, answer = ask('/api/v1/query', query='%s%s%s[120m]' % (
                series, metric, which), time=now / 1000)
            assert status == 200, answer
            for row in answer['data']['result']:
                out[(row['metric']['id'], metric)] = sorted(
                    (round(float(t) * 1000), v) for t, v in row['values'])
    return out


def compare(load, series, keys=None):
    """What of the acknowledged is not there, and what is there that was never
    sent, or twice: (lost keys, doubled or strange [(unit, t, metric)],
    samples)."""
    have, strange = {}, []
    for (unit, metric), samples in series.items():
        for t, text in samples:
            if (unit, t, metric) in have:
                strange.append((unit, t, metric))
            have[(unit, t, metric)] = text
    lost = []
    for key in load.acked if keys is None else keys:
        for metric, value in load.sent[key].items():
            got = have.get((key[0], key[1], metric[len(load.series):]))
            if got is None or float(got) != float(value):
                lost.append(key)
                break
    strange += [(unit, t, metric) for (unit, t, metric) in have
                if (unit, t) not in load.sent]
    return lost, strange, len(have)


def figures(ask, pack, at=None):
    """Live figures of one node in the form of recompute.figures; `at`: minute
    starts; None: the newest 120."""
    got = {}
    for name in recompute.MEASURES:
        status, answer = ask('/api/figures', pack=pack, metric=name, last=120,
                             parts=0)
        if status != 200:
            return None
        for row in answer['figures']:
            if row['value'] is not None and row['n'] > 0:
                start = row['from']
                scale = recompute.MEASURES[name][2]
                if at is None or start in at:
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
