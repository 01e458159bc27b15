#!/usr/bin/env python3
"""The demonstration tree's plants, started again: no minute is told twice.

Two runs of a plant that overlap mix the counters of both, and each sample looks
like a counter that was reset: OEE of 3,000 %.  So the supervisor lets a plant
begin after what the run before has told; here it is asked about that, and one
plant runs against a real node, is ended, and begins again.
"""
import importlib.machinery
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
import types

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))
from chain import DOUGONG, PATIENCE_S, TOP, Chain, until

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader('tree',
                                              os.path.join(TOP, 'tools/tree'))
tree = importlib.util.module_from_spec(
    importlib.util.spec_from_loader('tree', loader))
loader.exec_module(tree)
NOON = 1795348800   # 2026-11-22T12:00:00Z


def plant_in(folder, node=None):
    node = node or types.SimpleNamespace(
        yaml='node.yaml', path=lambda name: os.path.join(folder, name))
    return tree.Plant(types.SimpleNamespace(var=folder, program=DOUGONG),
                      'pump', node)


def start_of(plant, now):
    args = plant.arguments(now)
    return args[args.index('--start') + 1] if '--start' in args else None


def it_begins_with_the_first_minute_that_was_not_told():
    with tempfile.TemporaryDirectory() as folder:
        plant = plant_in(folder)
        assert start_of(plant, NOON) is None
        for ended, start in ((NOON - 600.5, '2026-11-22T11:50:00Z'),
                             (NOON - 600, '2026-11-22T11:51:00Z'),
                             (NOON - 0.1, '2026-11-22T12:00:00Z'),
                             (NOON + 86400, '2026-11-22T12:01:00Z'),
                             (NOON - 1801, None)):
            tree.write(plant.path('reached'), '%.3f' % ended)
            assert start_of(plant, NOON) == start, (ended, start)
        # it was ended 5 s after it had begun with the last half hour
        plant.began, plant.begin = NOON - 5, NOON - 1800
        plant.ended(NOON)
        told = tree.number_in(plant.path('reached')) - plant.begin
        assert told == 5 * tree.PLANT_SPEED, told
        # its supervisor was killed: what it wrote last tells
        os.unlink(plant.path('reached'))
        with open(os.path.join(folder, 'truth'), 'w') as f:
            f.write('{}')
        os.utime(os.path.join(folder, 'truth'), (NOON - 300, NOON - 300))
        assert start_of(plant, NOON) == '2026-11-22T11:56:00Z'


def told(node):
    """When a pump has said its state, ms."""
    status, answer = node.get(
        '/api/v1/query', query='machine_state{id="88.31.1001/pump-1"}[2h]')
    assert status == 200, answer
    return [round(float(t) * 1000) for row in answer['data']['result']
            for t, _ in row['values']]


def run_until(node, plant, condition):
    args = plant.arguments(time.time())
    process = subprocess.Popen(args)
    try:
        until('the plant has told', lambda: condition(told(node)))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
    return args


def a_second_run_tells_nothing_of_the_firsts_time():
    with Chain() as chain:
        node = chain.enterprise
        plant = plant_in(chain.dir, types.SimpleNamespace(
            yaml=node.yaml, path=lambda name: os.path.join(chain.dir, name)))
        run_until(node, plant, lambda times: len(times) > 3)
        first = told(node)
        os.unlink(os.path.join(chain.dir, 'truth'))
        # behind what it has told, which at most is this moment's
        ended = max(time.time() - 900, max(first) / 1000 + 60)
        tree.write(plant.path('reached'), '%.3f' % ended)
        run_until(node, plant, lambda times: len(times) > len(first) + 3)
        times = told(node)
        assert times[:len(first)] == first, (first, times)
        assert min(times[len(first):]) >= ended * 1000, (ended, times)
        print('figure: first run to %d, second from %d' %
              (max(first), min(times[len(first):])))


it_begins_with_the_first_minute_that_was_not_told()
a_second_run_tells_nothing_of_the_firsts_time()
