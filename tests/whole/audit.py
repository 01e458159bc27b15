#!/usr/bin/env python3
"""What is done to a node is logged, kept by its parent, and cannot be changed
unseen: one flipped bit in a stored entry is found by the owner's check and by
the parent's.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import BUILD, Chain, until

TAMPER = os.path.join(BUILD, 'tests/store/store_audit_tamper')


def entries(node):
    status, answer = node.get('/api/audit/entries')
    assert status == 200, answer
    assert answer['next'] is None
    return [row['entry'] for row in answer['entries']]


def kept(parent, child):
    status, answer = parent.get('/api/audit/heads', node=child.prefix)
    assert status == 200, answer
    return answer['heads']


def verify(node, *args):
    return node.ctl('audit', 'verify', *args, check=False)


def kept_up_to_now(parent, child):
    size = child.get('/api/audit/head')[1]['tree_size']
    return until('%s keeps a head of %d entries of %s' % (
        parent.prefix, size, child.prefix),
        lambda: [h for h in kept(parent, child) if h['tree_size'] >= size])


def what_was_done_is_there(chain):
    said = [(e['actor']['kind'], e['action'], e['object'])
            for e in entries(chain.province)]
    assert ('node', 'node.start', '88.31') in said, said
    assert ('key', 'prefix.approve', '88.31.1001') in said, said
    assert ('node', 'prefix.join', '88.31.1001') in said, said
    assert ('node', 'node.join', '88 epoch 1') in said, said
    assert any(a == 'pack.load' and o.startswith('host ')
               for _, a, o in said), said
    approve = next(e for e in entries(chain.province)
                   if e['action'] == 'prefix.approve')
    assert approve['before'] == '' and len(approve['after']) == 64
    chain.enterprise.ctl('prefix', 'list')
    # Who is turned away by a suspension asks again after ten minutes only.
    assert chain.enterprise.stop() == 0
    chain.province.ctl('prefix', 'suspend', '88.31.1001')
    chain.province.ctl('prefix', 'resume', '88.31.1001')
    after = entries(chain.province)
    chain.enterprise.start()
    suspend, resume = after[-2:]
    assert suspend['action'] == 'prefix.suspend'
    assert resume['action'] == 'prefix.resume'
    assert suspend['after'] == resume['before'] != resume['after']


def a_proof_holds_and_a_strange_hash_has_none(chain):
    node = chain.province
    import base64
    import hashlib
    status, answer = node.get('/api/audit/entries', next=0, limit=1)
    row, = answer['entries']
    leaf = hashlib.sha256(b'\0' + base64.b64decode(row['leaf_input']))
    done = node.ctl('audit', 'proof', leaf.hexdigest())
    assert b'entry 1 of 88.31 is in the log' in done.stdout, done.stdout
    done = node.ctl('audit', 'proof', 'ab' * 32, check=False)
    assert done.returncode != 0
    assert node.get('/api/audit/proof', hash='xyz')[0] == 400
    assert node.get('/api/audit/entries', next='-1')[0] == 400
    size = node.get('/api/audit/head')[1]['tree_size']
    assert node.get('/api/audit/consistency', first=1,
                    second=size + 100)[0] == 404
    status, answer = node.get('/api/audit/consistency', first=1, second=size)
    assert status == 200 and len(answer['consistency']) > 1


def the_parent_keeps_heads_that_continue_each_other(chain):
    heads = kept_up_to_now(chain.nation, chain.province)
    everything = kept(chain.nation, chain.province)
    assert everything[0]['state'] == 'first', everything
    assert all(h['state'] == 'proven' for h in everything[1:]), everything
    assert heads[-1]['state'] in ('first', 'proven')
    done = verify(chain.province, '--against', chain.nation.url)
    assert done.returncode == 0, done.stderr
    number = re.search(rb'(\d+) of them kept by the parent', done.stdout)
    assert number and len(everything) <= int(number.group(1)) <= len(kept(
        chain.nation, chain.province)), done.stdout


def a_killed_node_lost_nothing_of_its_log(chain):
    node = chain.province
    before = entries(node)
    node.kill()
    node.start()
    after = entries(node)
    assert after[:len(before)] == before
    assert after[-1]['action'] == 'node.start'
    assert verify(node).returncode == 0


def a_node_that_joins_again_goes_on_with_its_log(chain):
    node, parent = chain.enterprise, chain.province
    kept_up_to_now(parent, node)
    assert node.stop() == 0
    node.join(again=True)
    node.start()
    joins = [e for e in entries(node) if e['action'] == 'node.join']
    assert [e['object'] for e in joins] == ['88.31 epoch 1', '88.31 epoch 2']
    assert joins[0]['before'] == '' and joins[1]['before'] == joins[0]['after']
    last = kept_up_to_now(parent, node)[-1]
    assert last['epoch'] == 2 and last['state'] == 'proven', last


def one_flipped_bit_is_found(chain):
    node = chain.province
    kept_up_to_now(chain.nation, node)
    before = entries(node)
    assert node.stop() == 0
    done = subprocess.run([TAMPER, os.path.join(node.dir, 'kv/node'), '2'],
                          stdout=subprocess.PIPE, check=True)
    assert b'"action"' in done.stdout
    node.start()
    after = entries(node)
    assert after[2] != before[2] and after[:2] == before[:2]
    done = verify(node)
    assert done.returncode == 1, (done.returncode, done.stdout)
    assert b'the node has signed' in done.stderr, done.stderr
    done = verify(node, '--against', chain.nation.url)
    assert done.returncode == 1
    assert b'the parent keeps' in done.stderr, done.stderr
    assert verify(chain.enterprise, '--against', node.url).returncode == 0


def old_data_are_an_alert_at_the_parent(chain):
    """What a node forgot by a backup is told above, and can be paged."""
    node, parent = chain.enterprise, chain.province
    status, page = parent.get('/api/tree/alerts')
    assert status == 200 and page['next'] is None, page
    known = len(page['alerts'])
    assert node.stop() == 0
    saved = node.dir + '.saved'
    shutil.copytree(node.dir, saved)
    node.start()
    before = len(kept(parent, node))
    node.ctl('register', '88.31.1001/later')
    until('more heads at the parent', lambda: len(kept(parent, node)) > before)
    assert node.stop() == 0
    shutil.rmtree(node.dir)
    os.rename(saved, node.dir)
    node.start()
    alerts = until('an alert at the parent', lambda: parent.get(
        '/api/tree/alerts')[1]['alerts'][:-known or None])
    assert alerts[0]['event'] in ('fenced', 'child_restored'), alerts
    assert '88.31.1001' in alerts[0]['text'], alerts
    assert parent.get('/api/tree')[1]['alerts'][0]['number'] > 0
    newest = parent.get('/api/tree/alerts', limit=1)[1]
    number = newest['alerts'][0]['number']
    assert newest['next'] in (None, str(number)), newest
    older = parent.get('/api/tree/alerts', next=number)[1]
    assert len(older['alerts']) == number - 1, (number, older)
    assert parent.get('/api/tree/alerts', next='x')[0] == 400
    print('figure: alert %s %s' % (alerts[0]['event'], alerts[0]['text']))


def main():
    extra = 'audit: {entries: 4, every: 1s}\n'
    with Chain(extra=extra) as chain:
        what_was_done_is_there(chain)
        a_proof_holds_and_a_strange_hash_has_none(chain)
        the_parent_keeps_heads_that_continue_each_other(chain)
        a_killed_node_lost_nothing_of_its_log(chain)
        a_node_that_joins_again_goes_on_with_its_log(chain)
        one_flipped_bit_is_found(chain)
        old_data_are_an_alert_at_the_parent(chain)


if __name__ == '__main__':
    main()
