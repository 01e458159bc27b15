#!/usr/bin/env python3
"""A dozen enterprises file their monthly returns at the province; a soft check
asks, an explanation answers, a correction follows; the nation's figure is their
sum, the table asked asOf is what was saved then, and the receipts verify with
nobody to ask.
"""
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import Chain, http, until

PACK = 'stats/industry'
FIRMS = 12
WINDOW, YEAR_BEFORE = '2026-09', '2025-09'
INDUSTRIES = ['C13', 'C26', 'C34', 'C35', 'C36', 'C39']


def values(rng, revenue):
    """One firm's month: identities hold, in thousands of yuan."""
    current, fixed, other = (rng.randrange(10000, 90000) for _ in range(3))
    return {'go': revenue, 'revenue': revenue, 'cost': revenue * 8 // 10,
            'profit': revenue // 20, 'current_assets': current,
            'fixed_assets': fixed, 'other_assets': other,
            'assets': current + fixed + other, 'liabilities': current,
            'staff': 200}


def credit_code(n):
    """A unified social credit code with its check character (GB 32100)."""
    letters = '0123456789ABCDEFGHJKLMNPQRTUWXY'
    body = '91310000MA1K%05d' % n
    total = sum(letters.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + letters[(31 - total % 31) % 31]


class Firm:
    """Half are hosted under prefixes of their own, half are the province's."""
    def __init__(self, chain, n, rng):
        self.node, self.rng = chain.province, rng
        ind = self.ind = INDUSTRIES[n % len(INDUSTRIES)]
        self.file_path = os.path.join(chain.dir, 'firm-%02d.csv' % n)
        self.hosted = n < FIRMS // 2
        if self.hosted:
            prefix = '88.31.20%02d' % n
            self.id = prefix + '/enterprise'
            self.node.ctl('prefix', 'apply', prefix, '--name', 'Firm %d' % n,
                          '--uscc', credit_code(n), '--industry', ind,
                          '--region', '310000', '--contact', 'Li')
            self.node.ctl('prefix', 'host', prefix, '--quota', '100')
        else:
            self.id = '88.31/firm-%02d' % n
            self.node.ctl('register', self.id, '--class', 'enterprise',
                          'CODE.ind=' + ind, 'CODE.region=310000')

    def write(self, items):
        with open(self.file_path, 'w') as f:
            f.write('item,value\n')
            for name, value in items.items():
                f.write('%s,%s\n' % (name, value))

    def file(self, window, items, *more, verb='file', check=True):
        self.write(items)
        done = self.node.ctl('return', verb, self.file_path, '--pack', PACK,
                             '--unit', self.id, '--window', window, '--json',
                             *more, check=False)
        assert not check or done.returncode == 0, (done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout or b'null')


def figure(node, metric, window=WINDOW):
    status, answer = node.get('/api/figures', pack=PACK, metric=metric,
                              at=window, parts=0)
    return answer.get('value') if status == 200 else None


def figure_is(node, metric, value):
    until('%s of %s is %s' % (metric, node.prefix, value),
          lambda: figure(node, metric) == str(value))


def refused(firm, code, window=WINDOW, items=None, **changes):
    body = {'pack': PACK, 'unit': firm.id, 'window': window,
            'items': {k: str(v) for k, v in (items or {}).items()}, **changes}
    status, answer, _ = http(firm.node.url + '/api/returns',
                             json.dumps(body).encode(),
                             {'Content-Type': 'application/json',
                              **key_of(firm.node)})
    answer = json.loads(answer)
    assert status == 422, (status, answer)
    assert answer['code'] == code, answer
    assert answer['detail'], answer
    return answer


def key_of(node):
    path = os.path.join(node.dir, 'keys', 'operator.key')
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        return {'Authorization': 'Bearer ' + f.read().strip()}


def bad_returns_change_nothing(chain, firm, good):
    before = figure(chain.province, 'revenue')
    refused(firm, 'unknown_unit', unit='88.31/nobody', items=good)
    refused(firm, 'no_such_window', window='2026-01', items=good)
    refused(firm, 'window_not_open', window='2030-01..02', items=good)
    refused(firm, 'bad_number', items={**good, 'staff': '2,000'})
    refused(firm, 'bad_number', items={**good, 'no_such_item': 1})
    refused(firm, 'missing_item', items={'revenue': 1})
    answer = refused(firm, 'check_failed', items={**good, 'assets': 1})
    problem = answer['errors'][0]
    assert problem['check'] == 'assets_add_up' and problem['item'] == 'assets'
    assert '1 stated' in problem['en'] and '千元' in problem['zh'], problem
    refused(firm, 'conflict', items=good, reason='because')
    assert figure(chain.province, 'revenue') == before


def a_year_ago(firms):
    total = 0
    for n, firm in enumerate(firms):
        revenue = 100000 + n * 1000
        _, answer = firm.file(YEAR_BEFORE, values(firm.rng, revenue))
        assert answer['state'] == 'accepted', answer
        total += revenue
    return total


def the_month(chain, firms):
    """All but one firm file; the form shows last year beside each item."""
    total, keys = 0, []
    for n, firm in enumerate(firms[1:], 1):
        revenue = 110000 + n * 1000
        code, answer = firm.file(WINDOW, values(firm.rng, revenue))
        assert answer['state'] == 'accepted', answer
        assert answer['signature'] == 'valid', answer
        keys.append(answer['key'])
        code, again = firm.file(WINDOW, json_items(answer))
        assert again['again'] and again['revision'] == 1, again
        total += revenue
    # each hosted firm signs with a key of its own
    assert len(set(keys)) == sum(f.hosted for f in firms[1:]) + 1, keys
    figure_is(chain.nation, 'revenue', total)
    status, form = chain.province.get(
        '/api/returns/forms/' + PACK, unit=firms[0].id, window=WINDOW)
    assert status == 200, form
    item = next(i for i in form['items'] if i['name'] == 'revenue')
    assert item['year'] == '100000' and item['required'], item
    assert item['label']['zh'] and form['filed'] is False
    return total


def the_nation_by_division(chain, firms):
    """Each division's sum, its section's, and that of a flag."""
    want = {}
    for n, firm in enumerate(firms[1:], 1):
        for code in (firm.ind, firm.ind[0]):
            want[code] = want.get(code, 0) + 110000 + n * 1000
    asked = {'pack': PACK, 'metric': 'revenue', 'at': WINDOW}
    status, by = chain.nation.get('/api/figures', by='ind', **asked)
    assert status == 200, by
    assert {row['code']: int(row['value']) for row in by['rows']
            if row['value'] is not None} == want, (by, want)
    status, some = chain.nation.get(
        '/api/figures', where="flag(ind, 'equipment')", **asked)
    assert int(some['value']) == sum(
        want.get(code, 0) for code in ('C34', 'C35', 'C36', 'C39')), some


def the_nation_by_cell(chain, firms):
    """One industry of one region: its number, who gave it, and that alone."""
    want = {}
    for n, firm in enumerate(firms[1:], 1):
        want.setdefault(firm.ind, {})[firm.id] = 110000 + n * 1000
    for ind, firms_of in want.items():
        cell = 'region=310000,ind=' + ind  # in any order
        status, answer = chain.nation.get(
            '/api/figures/explain', pack=PACK, metric='revenue', at=WINDOW,
            cell=cell)
        assert status == 200, answer
        assert [(c['dim'], c['code']) for c in answer['cell']] == [
            ('ind', ind), ('region', '310000')], answer['cell']
        assert int(answer['value']) == sum(firms_of.values()), answer
        units = [one for one in below({'below': answer['entries']})
                 if one['kind'] == 'unit' and one['value'] is not None]
        assert {one['name']: int(one['value']) for one in units} == firms_of
        for one in units:
            assert [r['verdict'] for r in one['below']
                    if r['kind'] == 'return'] == ['signed'], one
        status, shown = chain.nation.get(
            '/api/figures', pack=PACK, metric='revenue', at=WINDOW, cell=cell)
        for key in ('value', 'reported', 'expected', 'n'):
            assert shown[key] == answer[key], (key, shown, answer)
    done = chain.nation.ctl('figure', 'explain', PACK, 'revenue', '--at',
                            WINDOW, '--cell', 'ind=C36,region=310000',
                            '--verify')
    assert b'only: ' in done.stdout and b'region=310000' in done.stdout
    assert done.stdout.count(b'return revision ') == len(want['C36'])
    assert b', 0 wrong, 0 not to be checked' in done.stdout, done.stdout
    status, answer = chain.nation.get('/api/figures/explain', pack=PACK,
                                      metric='revenue', cell='region=440000')
    assert status == 200 and answer['value'] is None, answer
    assert answer['expected'] == 0 and answer['entries'][0]['below'] == []
    for cell, says in (('region=31', 'did you mean 310000?'),
                       ('regio=310000', 'did you mean region?'),
                       ('ind=C99', 'dim ind has no code "C99"')):
        status, answer = chain.nation.get('/api/figures/explain', pack=PACK,
                                          metric='revenue', cell=cell)
        assert status == 404 and says in answer['detail'], (cell, answer)
    print('figure: %d cells of the nation walk down to their returns' %
          len(want))


def json_items(answer):
    return {k: v for k, v in answer['items'].items()
            if not k.endswith('_base')}


def the_soft_check(chain, firm, total):
    """Twice last year's revenue is asked about, and counts once explained."""
    items = values(firm.rng, 210000)
    code, answer = firm.file(WINDOW, items, check=False)
    assert code == 1 and answer['state'] == 'queried', answer
    asked = [p['check'] for p in answer['problems'] if p['level'] == 'soft']
    assert asked == ['revenue_jump'], asked
    figure_is(chain.nation, 'revenue', total)
    code, answer = firm.file(WINDOW, items, '--explain',
                             'revenue_jump=a second works opened in May')
    assert answer['state'] == 'accepted' and answer['revision'] == 2, answer
    figure_is(chain.nation, 'revenue', total + 210000)
    return total + 210000


def table(node, at=None):
    args = ['figure', 'asof', PACK, WINDOW] + ([at] if at else [])
    return node.ctl(*args).stdout


def the_correction(chain, firms, total):
    """The table asked asOf before the correction is the one saved then."""
    nodes = (chain.province, chain.nation)
    saved = {n.prefix: table(n) for n in nodes}
    instants = {n.prefix: n.get('/api/figures/table', pack=PACK,
                                at=WINDOW)[1]['asof'] for n in nodes}
    assert all(saved.values())
    firm = firms[3]
    refused(firm, 'conflict', items=values(firm.rng, 1))
    code, answer = firm.file(WINDOW, values(firm.rng, 120003), '--reason',
                             'error', verb='correct')
    assert answer['revision'] == 2 and answer['reason'] == 'error', answer
    total += 120003 - 113000
    figure_is(chain.nation, 'revenue', total)
    for node in nodes:
        assert table(node) != saved[node.prefix]
        assert table(node, str(instants[node.prefix])) == \
            saved[node.prefix], node.prefix
    the_walk_of_yesterday(chain, firm, instants)
    print('figure: %s corrected at %s, asOf equal at both levels' %
          (firm.id, firm.node.prefix))
    return total


def below(entry):
    for one in entry['below'] if 'below' in entry else []:
        yield one
        yield from below(one)


def walked(node, **asked):
    status, answer = node.get('/api/figures/explain', pack=PACK,
                              metric='revenue', at=WINDOW, **asked)
    assert status == 200, answer
    found = {}
    for unit in below({'below': answer['entries']}):
        if unit['kind'] == 'unit':
            found[unit['name']] = [one for one in unit['below']
                                   if one['kind'] == 'return']
    return found


def the_walk_ends_at_the_returns(chain, firms):
    """At every level, each unit with the return that it is from; a figure
    of before a correction with the one that counted then."""
    saved = {}
    for firm in firms:
        status, page = chain.province.get('/api/returns', pack=PACK,
                                          window=WINDOW, unit=firm.id)
        status, saved[firm.id] = chain.province.get(
            '/api/returns/%s' % page['returns'][0]['id'])
    for node in (chain.province, chain.nation):
        found = walked(node)
        assert set(found) == {f.id for f in firms}, found
        for name, returns in found.items():
            assert len(returns) == 1, returns
            one, want = returns[0], saved[name]
            assert one['verdict'] == 'signed', one
            assert one['receipt'] == 'accepted', one
            assert one['name'] == name, one
            for key, named in (('revision', 'revision'), ('sha256', 'sha256'),
                               ('filed_at', 'filed_at'), ('key_id', 'key'),
                               ('return', 'return'), ('key', 'public_key')):
                assert one[key] == want[named], (key, one, want)
        done = node.ctl('figure', 'explain', PACK, 'revenue', '--at', WINDOW,
                        '--verify')
        assert done.stdout.count(b'return revision ') == FIRMS, done.stdout
        assert b', 0 wrong, 0 not to be checked' in done.stdout, done.stdout


def the_walk_of_yesterday(chain, firm, instants):
    for node in (chain.province, chain.nation):
        returns = walked(node, asof=instants[node.prefix])[firm.id]
        assert [one['revision'] for one in returns] == [1], returns
        assert returns[0]['verdict'] == 'signed', returns
        assert walked(node)[firm.id][0]['revision'] == 2


def receipts_verify_offline(chain, firm):
    path = os.path.join(chain.dir, 'saved.json')
    firm.node.ctl('return', 'show', PACK, firm.id, WINDOW, '--save', path)
    done = firm.node.ctl('return', 'verify', path, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.count(b'signature valid') == 3, done.stdout
    with open(path) as f:
        saved = json.load(f)
    for part in ('return', 'receipt'):
        bent = json.loads(json.dumps(saved))
        text = bent['receipts'][0][part]
        bent['receipts'][0][part] = text[:-8] + (
            'AAAA' if text[-8:-4] != 'AAAA' else 'BBBB') + text[-4:]
        with open(path, 'w') as f:
            json.dump(bent, f)
        done = firm.node.ctl('return', 'verify', path, check=False)
        assert done.returncode == 1, (part, done.stdout)


def lists_and_pages(chain, firms):
    seen, after = [], {}
    while True:
        status, page = chain.province.get('/api/returns', pack=PACK,
                                          window=WINDOW, limit=5, **after)
        assert status == 200, page
        seen += [r['unit'] for r in page['returns']]
        if page['next'] is None:
            break
        after = {'next': page['next']}
    assert seen == sorted(f.id for f in firms), seen
    status, old = chain.province.get('/api/returns', pack=PACK, window=WINDOW,
                                     unit=firms[3].id)
    one = old['returns'][0]
    status, first = chain.province.get('/api/returns/%s' % one['id'],
                                       revision=1)
    assert first['state'] == 'superseded', first
    assert first['items']['revenue'] == '113000', first
    assert chain.province.get('/api/returns/00ff')[0] == 404


def main():
    seed = int(os.environ.get('SEED', '20261122'))
    rng = random.Random(seed)
    print('seed: %d' % seed)
    with Chain() as chain:
        firms = [Firm(chain, n, rng) for n in range(FIRMS)]
        a_year_ago(firms)
        bad_returns_change_nothing(chain, firms[0],
                                   values(rng, 100000))
        total = the_month(chain, firms)
        the_nation_by_division(chain, firms)
        the_nation_by_cell(chain, firms)
        total = the_soft_check(chain, firms[0], total)
        total = the_correction(chain, firms, total)
        the_walk_ends_at_the_returns(chain, firms)
        receipts_verify_offline(chain, firms[3])
        lists_and_pages(chain, firms)
        for node in (chain.province,):  # nothing is lost at a kill
            node.kill()
            node.start()
        figure_is(chain.province, 'revenue', total)
        assert table(chain.province) and table(chain.nation)
        print('figure: %d firms, national revenue %d thousand yuan' %
              (len(firms), total))


main()
