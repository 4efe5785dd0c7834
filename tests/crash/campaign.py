"""Kills training runs at random moments, again and again, and checks what is left each time.

    python tests/crash/campaign.py [--kills 50] [--subprocesses 3] [--seed 0]

Each process is killed with SIGKILL at a random moment after its first step, half of them while a checkpoint, a picture or a
record is being written: all writing goes through a file system that is made slow here. After every kill every listed
checkpoint, PNG, JSON file and CSV line must open, and the steps in losses.csv must be 1, 2, 3, ... Then the run goes on; at
most ckpt_freq steps may be repeated. A finished run must hold the same bits as one that was never stopped. Most processes are
forked from one that has imported TensorFlow already, so that a kill costs the building of a graph and no more.
"""
import argparse
import contextlib
import glob
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')

import tiny_runs
import runs
import utils
from tf1 import tf

EPOCHS, CKPT_FREQ, SAMPLE_FREQ = 12, 4, 3       # 42 steps
SLOW_CHUNKS, SLOW_SECONDS = 8, 0.01             # a file takes 0.08 s, and each fsync and rename 0.01 s


def settings(images, out_dir):
    return tiny_runs.settings(images, out_dir, epoch=EPOCHS, ckpt_freq=CKPT_FREQ, sample_freq=SAMPLE_FREQ)


class SlowFile:
    """A file whose bytes arrive in a few chunks with pauses in between."""

    def __init__(self, file):
        self._file = file

    def write(self, data):
        data = bytes(data)
        size = max(1, len(data) // SLOW_CHUNKS)
        for start in range(0, len(data), size):
            self._file.write(data[start:start + size])
            self._file.flush()
            time.sleep(SLOW_SECONDS)
        return len(data)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self._file.__exit__(*error)


def slow_writing():
    """Makes this process write slowly: files of utils.atomic_write, checkpoints of a Saver, fsync and rename."""
    utils.open = lambda *arguments, **options: SlowFile(open(*arguments, **options))
    save = tf.train.Saver.save

    def slow_save(saver, sess, path, **options):
        with tempfile.TemporaryDirectory() as elsewhere:
            save(saver, sess, os.path.join(elsewhere, 'fast'), **options)
            for source in sorted(glob.glob(os.path.join(elsewhere, 'fast.*'))):         # data before index, as TensorFlow does
                with open(source, 'rb') as file, SlowFile(open(path + source[source.rindex('fast') + 4:], 'wb')) as slow:
                    slow.write(file.read())
    tf.train.Saver.save = slow_save
    for name in ('fsync', 'replace', 'remove'):
        quick = getattr(os, name)
        setattr(os, name, lambda *arguments, quick=quick: (time.sleep(SLOW_SECONDS), quick(*arguments))[1])


def run_to_its_end(cfg):
    """What the killed processes do; never returns."""
    sys.stdout = open(os.devnull, 'w')
    slow_writing()
    os._exit(tiny_runs.train(cfg))


def written_aside(run):
    """{file or folder that is being written aside in the run at this moment: when it was last changed}."""
    found = {}
    for folder in (run.folder, run.checkpoint_dir, run.sample_dir, os.path.join(run.checkpoint_dir, '.unfinished')):
        for path in glob.glob(os.path.join(glob.escape(folder), '[!.]*' if folder.endswith('.unfinished') else '.*')):
            with contextlib.suppress(FileNotFoundError):        # it has its name by now
                found[path] = os.stat(path).st_mtime_ns
    return found


class Process:
    """A training process, forked or started, that is to be killed."""

    def __init__(self, cfg, images, forked):
        if forked:
            self.pid = os.fork()
            if not self.pid:
                run_to_its_end(cfg)
        else:
            code = f'import campaign; campaign.run_to_its_end(campaign.settings({images!r}, {cfg.out_dir!r}))'
            self._child = subprocess.Popen([sys.executable, '-c', code], cwd=os.path.dirname(os.path.abspath(__file__)))
            self.pid = self._child.pid
        self._status = None

    def ended(self):
        """The exit status, or None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def kill(self):
        if self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status


def size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def kill_at_random(process, run, chance):
    """Lets the process log a random number of steps, then kills it at once or at the next write.

    Returns (whether it was killed, whether that was during a write).
    """
    before, left = size(run.losses_csv), written_aside(run)
    rows = chance.choice([0, 0, 1, 2, 3, 5, 8])
    during_a_write = chance.random() < 0.5
    while process.ended() is None and size(run.losses_csv) - before < 40 * rows:        # a row has some 40 bytes
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.1))
    until = time.monotonic() + 10
    while during_a_write and process.ended() is None and written_aside(run) == left and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.08))
    return process.kill() == -signal.SIGKILL, written_aside(run) not in (left, {})


def repeated(run):
    """How many steps of losses.csv a resume will repeat."""
    logged, saved = tiny_runs.logged_steps(run), run.checkpoints()
    return (logged[-1] if logged else 0) - (saved[-1].step if saved else 0)


def campaign(folder, kills, subprocesses, seed, say=print):
    """Kills until `kills` are reached and the run that is under way is finished. Raises AssertionError. Returns its counts."""
    chance = random.Random(seed)
    images = tiny_runs.make_images(os.path.join(folder, 'images'))
    whole = settings(images, os.path.join(folder, 'whole'))
    pid = os.fork()
    if not pid:
        sys.stdout = open(os.devnull, 'w')
        os._exit(tiny_runs.train(whole))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    counts = dict(kills=0, during_a_write=0, runs=0, most_repeated=0)
    while counts['kills'] < kills:
        cfg = settings(images, os.path.join(folder, f'run{counts["runs"]}'))
        run = runs.for_training(cfg)
        status = None
        while status != 0:
            process = Process(cfg, images, forked=counts['kills'] >= subprocesses)
            killed, during_a_write = kill_at_random(process, run, chance) if counts['kills'] < kills else (False, False)
            if killed:
                counts['kills'] += 1
                counts['during_a_write'] += during_a_write
                tiny_runs.assert_whole(run.folder)
                counts['most_repeated'] = max(counts['most_repeated'], repeated(run))
                assert counts['most_repeated'] <= CKPT_FREQ, repeated(run)
                if counts['kills'] % 10 == 0:
                    say(f'{counts["kills"]} kills, {counts["during_a_write"]} during a write; every file whole')
            while (status := process.ended()) is None:
                time.sleep(0.02)
            assert status in (0, -signal.SIGKILL), status
        in_a_fork(lambda: tiny_runs.assert_same(cfg, whole))
        assert not written_aside(run)                          # what the killed ones left is cleared away
        counts['runs'] += 1
        say(f'run {counts["runs"]} finished after {counts["kills"]} kills: the same bits as the run that was never stopped')
    return counts


def in_a_fork(check):
    """Runs a check that uses TensorFlow: in this process it would start threads, which later forks lack."""
    pid = os.fork()
    if not pid:
        try:
            check()
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=50)
    parser.add_argument('--subprocesses', type=int, default=3, help='kills of processes started afresh; the others are forks')
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix='crash-')
    started = time.monotonic()
    try:
        counts = campaign(folder, options.kills, options.subprocesses, options.seed)
    except BaseException:
        print(f'what was left is in {folder}', file=sys.stderr)
        raise
    shutil.rmtree(folder)
    print(f'passed: {counts["kills"]} kills ({counts["during_a_write"]} during a write) of {counts["runs"]} runs, at most '
          f'{counts["most_repeated"]} steps repeated (ckpt_freq {CKPT_FREQ}), every file whole, final states bit-identical; '
          f'{time.monotonic() - started:.0f} s')


if __name__ == '__main__':
    main()
