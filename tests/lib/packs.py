"""A packs folder that holds the shipped packs and those made for tests."""
import contextlib
import os
import shutil
import tempfile

from chain import TOP


@contextlib.contextmanager
def with_load():
    """Gives the node.yaml lines that load the test pack beside `host`."""
    folder = tempfile.mkdtemp(prefix='dougong-packs-')
    try:
        for name in os.listdir(os.path.join(TOP, 'packs')):
            os.symlink(os.path.join(TOP, 'packs', name),
                       os.path.join(folder, name))
        os.symlink(os.path.join(TOP, 'tests/packs/load'),
                   os.path.join(folder, 'load'))
        yield 'packs_dir: "%s"\npacks: [host, load]\n' % folder
    finally:
        shutil.rmtree(folder)
