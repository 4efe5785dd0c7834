"""Simulates power cuts: what a disk that keeps no more than it was told to keep would hold, at any moment of a training run.

    python tests/crash/power_loss.py [--mixed 8] [--resumes 20] [--seed 0]

A short run, which is stopped once and taken back to an earlier checkpoint, is watched: before and after each call that syncs, renames,
removes or makes something, its folder is compared with what it was, which gives every creation, write, rename and removal in order,
those of TensorFlow's own code included. Then the power is cut after each of them. Of a file, only what was fsynced is sure to be
there; of the rest nothing, a part, zeros or all. A name is sure to be in a folder (or gone from it) only when the folder was fsynced;
each later change of it may be there or not, on its own. File systems promise more than that; none promises less.

What is left must be a run that goes on: the newest checkpoint that was reported as saved is there and reads back, losses.csv has
each step up to it once, every sample up to it is there, every picture and record opens. Some are trained to their end, which must
give the same bits as the run that was never cut off.
"""
import argparse
import contextlib
import dataclasses
import glob
import hashlib
import io
import os
import pathlib
import random
import re
import shutil
import signal
import stat
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')

import checkpoints
import runs
import tiny_runs
from logs import EventFile, LossFile

WATCHED = ('fsync', 'replace', 'rename', 'remove', 'unlink', 'rmdir', 'mkdir', 'ftruncate')
STEPS = 7                   # of tiny_runs.settings
FOLDER = 'folder'           # stands for the content of a folder


class Recorder:
    """The changes below a folder while it is open, as a list of tuples.

    ('name', folder, name, id), ('no name', folder, name), ('content', id, bytes or FOLDER), ('sync', id), ('saved', step)
    """

    def __init__(self, root):
        self.root, self.events = root, []
        self._ids, self._names, self._contents, self._stamps = {}, {}, {}, {}

    def __enter__(self):
        self._look()
        self._originals = {name: getattr(os, name) for name in WATCHED}
        for name, original in self._originals.items():
            setattr(os, name, self._watched(name, original))
        return self

    def __exit__(self, *_):
        for name, original in self._originals.items():
            setattr(os, name, original)
        self._look()

    def saved(self, step):
        self._look()
        self.events.append(('saved', step))

    def _watched(self, name, original):
        def call(*arguments, **options):
            self._look()
            result = original(*arguments, **options)
            self._look()
            if name == 'fsync':
                status = os.fstat(arguments[0])
                if status.st_ino in self._ids:
                    self.events.append(('sync', self._ids[status.st_ino]))
            return result
        return call

    def _look(self):
        """Notes what has changed since the last look."""
        names, there = {}, {}
        waiting = [self.root]
        while waiting:
            folder = waiting.pop()
            inode = os.stat(folder).st_ino
            there[inode] = FOLDER
            for entry in os.scandir(folder):
                status = entry.stat(follow_symlinks=False)
                names[inode, entry.name] = status.st_ino
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(entry.path)
                else:
                    stamp = (status.st_mtime_ns, status.st_size)
                    if self._stamps.get(status.st_ino) != stamp:
                        with open(entry.path, 'rb') as file:
                            there[status.st_ino] = file.read()
                        self._stamps[status.st_ino] = stamp
                    else:
                        there[status.st_ino] = self._contents[status.st_ino]
        for inode in self._contents.keys() - there.keys():         # its number may be given to another file
            gone = [place for place, other in self._names.items() if other == inode]
            # a name that another file has now was taken over in one go
            self.events += [('no name', self._ids[folder], name) for folder, name in gone if (folder, name) not in names]
            for place in gone:
                del self._names[place]
            del self._contents[inode], self._ids[inode]
            self._stamps.pop(inode, None)
        for inode, content in there.items():
            if self._contents.get(inode) != content:
                self._ids.setdefault(inode, f'{len(self.events)}:{inode}')
                self.events.append(('content', self._ids[inode], content))
        for place in names.keys() | self._names.keys():
            if names.get(place) != self._names.get(place):
                folder, name = self._ids[place[0]] if place[0] in self._ids else None, place[1]
                if place in names:
                    self.events.append(('name', folder, name, self._ids[names[place]]))
                elif folder:
                    self.events.append(('no name', folder, name))
        self._names, self._contents = names, there

    @property
    def top(self):
        return self._ids[os.stat(self.root).st_ino]


@dataclasses.dataclass
class Disk:
    """After some events: what is surely there, and what may be.

    sure, latest: {id: content}; names: {folder: {name: id}} that are sure; pending: {folder: [(name, id or None)]} in order.
    """
    sure: dict
    latest: dict
    names: dict
    pending: dict
    saved: int

    @classmethod
    def empty(cls):
        return cls({}, {}, {}, {}, 0)

    def apply(self, event):
        kind, *values = event
        if kind == 'content':
            self.latest[values[0]] = values[1]
        elif kind == 'name':
            self.pending.setdefault(values[0], []).append((values[1], values[2]))
        elif kind == 'no name':
            self.pending.setdefault(values[0], []).append((values[1], None))
        elif kind == 'sync':
            self.sure[values[0]] = self.latest[values[0]]
            names = self.names.setdefault(values[0], {})
            names.update(self.pending.pop(values[0], ()))
        else:
            self.saved = values[0]

    def after_a_cut(self, top, keep_name, keep_content):
        """{relative path: bytes, or FOLDER} that is left.

        keep_name() → whether the next unsynced change of a name is kept; keep_content(sure, latest) → the bytes of a file that was
        written after its last fsync.
        """
        left, waiting = {}, [('', top)]
        while waiting:
            path, folder = waiting.pop()
            names = dict(self.names.get(folder, {}))
            names.update([change for change in self.pending.get(folder, ()) if keep_name()])
            for name, identity in sorted(names.items(), key=lambda item: item[0]):
                if identity is None:
                    continue
                where, latest = os.path.join(path, name), self.latest[identity]
                if latest is FOLDER:
                    waiting.append((where, identity))
                    left[where] = FOLDER
                else:
                    sure = self.sure.get(identity, b'')
                    left[where] = latest if latest == sure else keep_content(sure, latest)
        return left


def torn(chance):
    """A keep_content: the old bytes, the new ones, the new ones up to somewhere behind the first difference, or zeros from there on."""
    def choose(sure, latest):
        cut = chance.randint(len(os.path.commonprefix([sure, latest])), len(latest))
        return chance.choice([sure, latest, latest[:cut], latest[:cut] + bytes(len(latest) - cut)])
    return choose


def cuts(disk, top, mixed, chance):
    """The states that a power cut may leave: the extreme ones and `mixed` at random."""
    old, new = (lambda sure, latest: sure), (lambda sure, latest: latest)
    yield disk.after_a_cut(top, lambda: False, old)
    yield disk.after_a_cut(top, lambda: False, new)
    yield disk.after_a_cut(top, lambda: True, old)          # the well-known file of no bytes
    yield disk.after_a_cut(top, lambda: True, torn(chance))
    for _ in range(mixed):
        share = chance.random()
        yield disk.after_a_cut(top, lambda: chance.random() < share, torn(chance))


def write_tree(folder, tree):
    for path, content in sorted(tree.items()):
        path = os.path.join(folder, path)
        if content is FOLDER:
            os.makedirs(path, exist_ok=True)
        else:
            with open(path, 'wb') as file:
                file.write(content)


def digest(tree):
    """Equal trees have equal ones."""
    sums = hashlib.sha256()
    for path, content in sorted(tree.items()):
        sums.update(f'{path}\0{0 if content is FOLDER else len(content)}\0'.encode() + (b'' if content is FOLDER else content))
    return sums.digest()


@dataclasses.dataclass
class Recording:
    """A run that was trained to its end: its Config, the changes it made on the disk, the id of the folder that stands for the disk."""
    images: str
    cfg: object
    events: list
    top: str

    def without_syncs(self, pattern):
        """The recording of a program that forgot to fsync what has a name like that."""
        meant = {event[3] for event in self.events if event[0] == 'name' and re.fullmatch(pattern, event[2])}
        return dataclasses.replace(self, events=[event for event in self.events if event[0] != 'sync' or event[1] not in meant])


def settings(images, disk):
    return tiny_runs.settings(images, os.path.join(disk, 'out'))


def record(folder):
    """Trains a tiny run below `folder`, stops it at step 5, goes back to step 3 and trains to the end. Returns its Recording."""
    images = tiny_runs.make_images(os.path.join(folder, 'images'))
    disk = os.path.join(folder, 'disk')
    os.mkdir(disk)
    cfg = settings(images, disk)
    with Recorder(disk) as recorder:
        def reporting(save):
            def saved(loop):
                save(loop)
                recorder.saved(loop.saved_at)
            return saved
        with tiny_runs.instead_of('_save', reporting):
            with tiny_runs.after_step(5, lambda: os.kill(os.getpid(), signal.SIGTERM)):
                trained(cfg, 143)
            recorder.saved(3)           # from here on that is all that is promised
            trained(dataclasses.replace(cfg, resume_step=3))
        top = recorder.top
    assert [event[1] for event in recorder.events if event[0] == 'saved'] == [3, 5, 3, 6, 7]
    return Recording(images, cfg, recorder.events, top)


def trained(cfg, status=0):
    with contextlib.redirect_stdout(io.StringIO()):
        assert tiny_runs.train(cfg) == status


def check(cfg, saved):
    """What is left of the run of `cfg`, whose step `saved` was reported as saved, goes on from there. Changes it as a resume does."""
    run = runs.for_training(cfg)
    damaged = []
    found = checkpoints.newest_readable(run.checkpoints(), damaged.append)
    step = found.step if found else 0
    assert step >= saved, (damaged, step, saved)        # a damaged one may lie about, of a checkpoint that was being removed or set aside
    for path in glob.glob(os.path.join(glob.escape(run.folder), '**', '*.png'), recursive=True):
        with tiny_runs.Image.open(path) as picture:
            picture.load()
    if not step:
        return
    assert run.record()['settings']['plugin'] == cfg.plugin
    said = []
    LossFile(run.losses_csv, columns_of(run), step, said.append).close()
    assert not said and tiny_runs.logged_steps(run) == list(range(1, step + 1)), said
    due = [number for number in range(1, step + 1) if number in (1, STEPS) or number % cfg.sample_freq == 0]
    assert all(os.path.exists(os.path.join(run.sample_dir, f'train_{number:08d}.png')) for number in due), due
    EventFile(run.log_dir, step).close()
    assert tiny_runs.event_steps(cfg) == [1]


def columns_of(run):
    with open(run.losses_csv, encoding='ascii', errors='replace') as file:
        return file.readline().rstrip('\n').split(',')[2:]


def replay(recording, folder, mixed, resumes, seed, every=1, say=print):
    """Cuts the power after each save and after every `every`-th change. Returns how many states were looked at.

    Raises AssertionError, or what the resume itself raises: UserError, OSError.
    """
    chance = random.Random(seed)
    disk, seen, states = Disk.empty(), set(), []
    for number, event in enumerate(recording.events):
        disk.apply(event)
        if number % every == 0 or event[0] == 'saved':
            for tree in cuts(disk, recording.top, mixed, chance):
                if (disk.saved, digest(tree)) not in seen:
                    seen.add((disk.saved, digest(tree)))
                    states.append((tree, disk.saved, number))
    to_resume = set(chance.sample(range(len(states)), min(resumes, len(states))))
    for number, (tree, saved, after) in enumerate(states):
        place = tempfile.mkdtemp(prefix='left-', dir=folder)
        write_tree(place, tree)
        cfg = settings(recording.images, place)
        try:
            if number in to_resume:
                trained(cfg)
                tiny_runs.assert_same(cfg, recording.cfg)
            else:
                check(cfg, saved)
        except BaseException:
            say(f'after change {after} of {len(recording.events)}, {recording.events[after][:4]}; what was left is in {place}')
            raise
        shutil.rmtree(place)
    return len(states)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mixed', type=int, default=8, help='random mixtures of what is lost, for each moment')
    parser.add_argument('--resumes', type=int, default=20, help='states that are trained to the end')
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix='power-')
    recording = record(folder)
    states = replay(recording, folder, options.mixed, options.resumes, options.seed)
    shutil.rmtree(folder)
    print(f'passed: the power cut after each of {len(recording.events)} changes, {states} different states of the disk, all of which go '
          f'on from the last checkpoint that was reported; {options.resumes} trained to the end with the same bits')


if __name__ == '__main__':
    main()
