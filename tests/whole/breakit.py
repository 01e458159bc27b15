#!/usr/bin/env python3
"""Break it: the demonstration tree, broken on purpose, keeps its promise.

The real supervisor with all seven nodes, on ports of its own; a wish over HTTP
at the nation; 20 s in which nodes are killed, links cut, messages repeated,
late and out of order; then the counter, from the senders' own records.

  breakit.py [--seconds N] [--seed S]
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import BUILD, PATIENCE_S, TOP, Node, free_base, until  # noqa: E402
import chain as chains  # noqa: E402
import load as senders  # noqa: E402


AUTH = {}  # of the administrator of the node asked


def http(url, **more):
    return chains.http(url, headers=AUTH, **more)


def the_counter_sees_what_is_lost_and_what_is_doubled():
    load = senders.Load('88.1', 0, random.Random(1), 10 ** 12)
    keys = [k for k in (load.message() for _ in range(50)) if k]
    series = {}
    for key in keys:
        load.acknowledged(key)
        for metric, value in load.sent[key].items():
            series.setdefault((key[0], metric), []).append((key[1], value))
    assert senders.compare(load, series) == ([], [], 3 * len(keys))
    taken = series[(keys[3][0], 'stock')].pop()
    lost, strange, _ = senders.compare(load, series)
    assert len(lost) == 1 and lost[0][1] == taken[0] and not strange
    series[(keys[3][0], 'stock')] += [taken, taken]
    lost, strange, _ = senders.compare(load, series)
    assert not lost and strange == [(keys[3][0], taken[0], 'stock')]
    series[(keys[3][0], 'stock')].pop()
    series[('88.1/other', 'stock')] = [(5, '1')]
    assert senders.compare(load, series)[1] == [('88.1/other', 5, 'stock')]


def a_node_that_is_not_for_demonstration_refuses(folder):
    chain = type('Folder', (), {'dir': folder})
    node = Node(chain, '88', 'nation').start()
    AUTH.update(node.auth)
    try:
        for method, body in (('POST', b'{}'), ('GET', None), ('DELETE', None)):
            status, answer, _ = http(node.url + '/api/break', data=body,
                                     method=method)
            assert status == 403, (method, status, answer)
            assert b'is not a demonstration node' in answer, answer
    finally:
        assert node.stop() == 0


def a_wish_that_cannot_be_is_refused(url):
    for wish in (b'{"seconds":0}', b'{"seconds":99999}', b'[]', b'{',
                 b'{"faults":["fire"]}', b'{"seed":-1}', b'{"faults":1}'):
        status, answer, _ = http(url, data=wish, method='POST')
        assert status == 400, (wish, status, answer)


def broken(url, seconds, seed):
    """Runs it; the last status."""
    wish = {'seconds': seconds, 'seed': seed}
    until('the breaker listens', lambda: http(url)[0] == 200)
    status, answer, _ = http(url, data=json.dumps(wish).encode(),
                             method='POST')
    assert status == 202, answer
    seen = {'refused': 0}

    def status_now():
        code, answer, _ = http(url)
        return json.loads(answer) if code == 200 else {}

    def over():
        now = status_now()
        if now.get('state') == 'running' and not seen['refused']:
            seen['refused'] = http(url, data=b'{}', method='POST')[0]
        return now.get('state') in ('done', 'failed') and now
    until('it has begun', lambda: status_now().get('state') == 'running')
    end = until('it is over', over, seconds + 600, 0.3)
    assert seen['refused'] in (409, 0), seen
    return end


def judge(status):
    assert status['state'] == 'done', status
    assert status['acknowledged'] > 500, status
    assert status['stored'] == status['acknowledged'], status
    assert status['lost'] == 0 and status['doubled'] == 0, status
    figure = status['figure']
    assert figure['different'] == 0 and figure['windows'] > 5, status
    assert figure['made'] == figure['recomputed'] > 0, status
    assert sum(status['kills'].values()) > 0, status
    assert sum(status['cuts'].values()) > 0, status
    for kind in ('repeated', 'delayed', 'reordered', 'cuts'):
        assert status['between_nodes'][kind] > 0, (kind, status)
    assert all(status['nodes'].values()), status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=int, default=20)
    parser.add_argument('--seed', type=int, default=20261122)
    args = parser.parse_args()
    the_counter_sees_what_is_lost_and_what_is_doubled()
    var, base = tempfile.mkdtemp(prefix='dougong-break-'), free_base(nodes=7)
    a_node_that_is_not_for_demonstration_refuses(
        tempfile.mkdtemp(dir=var))
    tree = subprocess.Popen(
        [os.path.join(TOP, 'tools/tree'), 'run', '--var', var, '--build',
         BUILD, '--base', str(base), '--no-plants'])
    url = 'http://127.0.0.1:%d/api/break' % base
    try:
        until('the tree is ready',
              lambda: os.path.exists(os.path.join(var, 'ready')) or
              tree.poll() is not None, 2 * PATIENCE_S)
        assert tree.poll() is None, open(os.path.join(var, 'failed')).read()
        with open(os.path.join(var, '88/keys/operator.key')) as f:
            AUTH['Authorization'] = 'Bearer ' + f.read().strip()
        a_wish_that_cannot_be_is_refused(url)
        status = broken(url, args.seconds, args.seed)
        print('seed: %d' % status['seed'])
        judge(status)
        print('figure: acknowledged %d, stored %d, lost 0, doubled 0; '
              'kills %s, links cut %d times, %s; %d minutes of the nation '
              'equal the recomputation' % (
                  status['acknowledged'], status['stored'],
                  json.dumps(status['kills'], sort_keys=True),
                  sum(status['cuts'].values()),
                  json.dumps(status['between_nodes'], sort_keys=True),
                  status['figure']['windows']))
    finally:
        tree.send_signal(signal.SIGTERM)
        code = tree.wait(PATIENCE_S)
        if sys.exc_info()[0] is None:
            shutil.rmtree(var)
        else:
            print('what is left: %s' % var)
    assert code == 0, code


if __name__ == '__main__':
    main()
