"""Runs a script as `python SCRIPT …` would, and ends it after N calls of Session.run: most old scripts loop for hours.

    python benchmarks/stop_after.py N SCRIPT [its arguments …]

Nothing else is changed: no name of TensorFlow, NumPy or SciPy is put back.
"""
import gc
import os
import runpy
import sys
import threading

from tensorflow.python.client import session
from tensorflow.python.summary.writer.event_file_writer import EventFileWriter


def end_after(limit):
    """Exit status 0 once the main thread has called Session.run `limit` times; event files are flushed."""
    plain, calls = session.BaseSession.run, [0]

    def run(self, *args, **kwargs):
        result = plain(self, *args, **kwargs)
        if threading.current_thread() is threading.main_thread():      # not those of queues
            calls[0] += 1
            if calls[0] >= limit:
                for thing in gc.get_objects():
                    if isinstance(thing, EventFileWriter):
                        thing.flush()
                print(f'stopped after {limit} calls of Session.run', flush=True)
                os._exit(0)                                             # queue threads would keep Python waiting
        return result
    session.BaseSession.run = run


def main(argv):
    limit, script = int(argv[0]), argv[1]
    sys.argv, sys.path[0] = argv[1:], os.path.dirname(os.path.abspath(script))
    end_after(limit)
    runpy.run_path(script, run_name='__main__')


if __name__ == '__main__':
    main(sys.argv[1:])
