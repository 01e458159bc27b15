"""Figures of the test pack `load`, worked out again from raw samples.

Written from the specification (spec rollup 1 and 4, RULINGS 26), sharing no
code with the program: Fractions in, integers out.
"""
from fractions import Fraction

MINUTE = 60000
DAY = 86400000
ZONE = 8 * 3600 * 1000


def scaled(text, scale):
    """Half-even to an integer of 10^-scale."""
    return round(Fraction(text) * 10 ** scale)


def delta(samples, start, end, scale, stale=DAY):
    """samples: sorted [(t, text)]; None when there is none in the window."""
    total, seen = 0, False
    before = None
    for t, text in samples:
        value = scaled(text, scale)
        if start <= t < end:
            seen = True
            if before and t - before[0] <= stale:
                total += value - before[1] if value >= before[1] else value
        before = (t, value)
    return total if seen else None


def last(samples, start, end, scale, stale=300000):
    found = None
    for t, text in samples:
        if end - stale <= t < end:
            found = scaled(text, scale)
    return found


MEASURES = {  # name: (metric, fold, scale)
    'made': ('made_total', delta, 0),
    'energy': ('energy_total', delta, 3),
    'stock': ('stock', last, 0),
}


def windows(series):
    """Minute starts that the samples touch, a stale time on included."""
    out = set()
    for samples in series.values():
        for t, _ in samples:
            first = t // MINUTE * MINUTE
            for k in range(6):
                out.add(first + k * MINUTE)
    return sorted(out)


def figures(series):
    """series: {(id, metric): sorted [(t, text)]} ->
    {window start: {measure: (n, sum)}}, windows without anything left out."""
    units = sorted({unit for unit, _ in series})
    out = {}
    for start in windows(series):
        row = {}
        for name, (metric, fold, scale) in MEASURES.items():
            values = []
            for unit in units:
                samples = series.get((unit, metric))
                if samples:
                    value = fold(samples, start, start + MINUTE, scale)
                    if value is not None:
                        values.append(value)
            if values:
                row[name] = (len(values), sum(values))
        if row:
            out[start] = row
    return out


def window_text(start):
    import time
    return time.strftime('%Y-%m-%dT%H:%M', time.gmtime((start + ZONE) / 1000))
