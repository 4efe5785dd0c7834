"""Runs public TF1 GAN repositories, unmodified under `python -m legacy run` and converted with plain `python`, and writes what
came of it as a table.

    python benchmarks/migration.py --sources SOURCES --data DATA [--only NAME …] [--write FILE]

SOURCES has one folder per repository, checked out at the commit in REPOSITORIES. DATA has
    mnist_raw/    the four IDX files; mnist_gz/ the same, gzip; mnist_small/ their first 2,000 digits, raw
    celeba/       600 faces 178×218, 000001.jpg …; faces64/ faces 64×64
    pair512/      24 pictures 512×256, A and B side by side
    mnist.pkl.gz  a pickle of (2,000 / 1,000 / 1,000) digits as (images in [0, 1], labels)
Every run gets a fresh copy, no network and no display, and has to: end by itself with status 0 in time; print
no traceback; print its pattern often enough with finite numbers; leave its files (pictures that open and are
not one colour; event files); and leave the source files as they were. `python -m legacy convert` needs libcst.
"""
import argparse
import dataclasses
import glob
import hashlib
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLOAT = r'[-\d.einfa]+'


@dataclasses.dataclass(frozen=True)
class Repository:
    """One repository: where it is, how it is prepared and run ($D is the data folder), what has to be
    seen.
    """
    name: str
    source: str
    command: str
    stop_after: int
    pattern: str = ''
    times: int = 0
    files: str = ''
    cwd: str = '.'
    prepare: str = ''
    before: str = ''            # a script to run first, in the same way
    seconds: int = 120


REPOSITORIES = (
    Repository(
        name='wiseodd', source='wiseodd/generative-models@b930d5fa9e',
        command='wgan_tensorflow.py', stop_after=1300,
        pattern=r'Iter: \d+; D loss: [-\d.e]+; G_loss', times=2,
        cwd='GAN/wasserstein_gan'),
    Repository(
        name='jonbruner', source='jonbruner/generative-adversarial-networks@2e792d92b8',
        command='gan-script.py', stop_after=60,
        files='tensorboard/*/events*', seconds=180),
    Repository(
        name='affinelayer', source='affinelayer/pix2pix-tensorflow@0f21744243',
        command='pix2pix.py --mode train --input_dir train --output_dir out --max_steps 3 --ngf 8 --ndf '
                '8 --which_direction BtoA --progress_freq 1 --display_freq 2',
        stop_after=40,
        pattern=r'gen_loss_L1 [-\d.e]+', times=1,
        files='out/images/*-outputs.png',
        prepare='ln -s $D/pair512 train'),
    Repository(
        name='taki-SN', source='taki0112/Spectral_Normalization-Tensorflow@f391eb7535',
        command='main.py --dataset mnist --sn True --batch_size 4 --epoch 1 --print_freq 2',
        stop_after=14,
        pattern=r'd_loss: [-\d.]+, g_loss: [-\d.]+', times=1,
        files='samples/**/*.png', cwd='dcgan'),
    Repository(
        name='carpedm20-DCGAN', source='carpedm20/DCGAN-tensorflow@62c9a2a7f7',
        command='main.py --dataset mnist --input_height=28 --output_height=28 --train --batch_size 16 '
                '--sample_freq 2',
        stop_after=40,
        pattern=r'd_loss: [-\d.]+, g_loss: [-\d.]+', times=2,
        files='out/**/*.png',
        prepare='mkdir data; ln -s $D/mnist_raw data/mnist'),
    Repository(
        name='hwalsuklee', source='hwalsuklee/tensorflow-generative-model-collections@3abde8a9bc',
        command='main.py --gan_type WGAN_GP --dataset mnist --epoch 1 --batch_size 16', stop_after=60,
        pattern=r'd_loss: [-\d.]+, g_loss: [-\d.]+', times=5,
        prepare='mkdir data; ln -s $D/mnist_gz data/mnist'),
    Repository(
        name='khanrc', source='khanrc/tf.gans-comparison@4e79266b11',
        command='train.py --model wgan-gp --dataset celeba --batch_size 4 --num_threads 2', stop_after=40,
        pattern=r'steps per epoch: \d+', times=1,
        files='summary/**/events*', before='convert.py', seconds=180,
        prepare='mkdir -p data/celebA; for i in $D/celeba/0000[0-4]*.jpg $D/celeba/0001*.jpg; do cp $i '
                'data/celebA/; done'),
    Repository(
        name='carpedm20-BEGAN', source='carpedm20/BEGAN-tensorflow@722b3f1a2f',
        command='main.py --dataset=faces64 --conv_hidden_num=64 --batch_size=4 --input_scale_size=32 '
                '--max_step 5 --log_step 1',
        stop_after=60,
        pattern=r'Loss_D: [-\d.]+ Loss_G: [-\d.]+', times=1,
        files='logs/**/*_G.png',
        prepare='mkdir -p data; ln -s $D/faces64 data/faces64'),
    Repository(
        name='LynnHo-v1', source='LynnHo/DCGAN-LSGAN-WGAN-GP-DRAGAN-Tensorflow-2@2bf0c8b6ad',
        command='train_mnist_wgan_gp.py', stop_after=150,
        pattern=r'Epoch: \( +\d+\)', times=5,
        cwd='v1',
        prepare='mkdir -p v1/data; ln -s $D/mnist_small v1/data/mnist'),
    Repository(
        name='YadiraF', source='YadiraF/GAN@45bde57d96',
        command='dcgan.py', stop_after=30,
        pattern=r'D loss: [-\d.e]+; G_loss', times=1,
        files='Samples/celebA_dcgan/*.png',
        prepare='ln -s $D/celeba Datas/celebA'),
    Repository(
        name='igul222', source='igul222/improved_wgan_training@fa66c574a5',
        command='gan_mnist.py', stop_after=40,
        pattern=r'train disc cost\s+[-\d.]+', times=1,
        files='train_disc_cost.jpg',
        prepare='cp $D/mnist.pkl.gz /tmp/mnist.pkl.gz'),
    Repository(
        name='shekkizh', source='shekkizh/WassersteinGAN.tensorflow@6fa169aa07',
        command='main.py --batch_size=8 --gen_dimension=2 --iterations=12', stop_after=40,
        pattern=r'Step: 10, generator loss: [-\d.]+, discriminator_loss: [-\d.]+', times=1,
        prepare='mkdir -p Data_zoo/CelebA_faces; ln -s $D/celeba Data_zoo/CelebA_faces/img_align_celeba'),
)


def tree(folder):
    """{relative path: hash} of every file below a folder (links not followed)."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, 'rb') as file:
                    found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def cpu_seconds():
    """What all finished child processes have computed: the same on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def unmodified(stop_after):
    """The command that runs an old script."""
    return ['-m', 'legacy', 'run', '--explain', *(['--stop_after', str(stop_after)] if stop_after else [])]


def plain(stop_after):
    """The command that runs a converted script."""
    return ['-B', *([os.path.join(ROOT, 'benchmarks', 'stop_after.py'), str(stop_after)] if stop_after else [])]


def convert(source, copy):
    """Converts a repository. Raises CalledProcessError."""
    subprocess.run([sys.executable, '-m', 'legacy', 'convert', os.path.abspath(source), copy], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def copy_of(source, copy):
    shutil.copytree(source, copy, symlinks=True)


WAYS = {'run': (copy_of, unmodified), 'converted': (convert, plain)}


def run(repository, arguments, work, interpreter):
    """(status, output, seconds by the clock, seconds of CPU) of one script."""
    env = {**os.environ, 'PYTHONPATH': ROOT, 'MPLBACKEND': 'Agg', 'PYTHONUNBUFFERED': '1'}
    command = [sys.executable, *interpreter]
    start, used = time.time(), cpu_seconds()
    try:
        done = subprocess.run(command + arguments.split(), cwd=os.path.join(work, repository.cwd), env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
                              timeout=repository.seconds * 3, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, time.time() - start, cpu_seconds() - used
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b'').decode('utf-8', 'replace')
        return 124, output, time.time() - start, cpu_seconds() - used


def finite(text):
    """True when the numbers in a matched line are finite."""
    return all(math.isfinite(float(n)) for n in re.findall(r'-?\d+\.?\d*(?:e[-+]?\d+)?',
                                                           text)) and not re.search(r'\b(nan|inf)\b', text)


def good_file(path):
    """True for a picture that opens and is not one colour, and for a non-empty event file."""
    if 'events' in os.path.basename(path):
        return os.path.getsize(path) > 0
    import numpy
    from PIL import Image
    with Image.open(path) as picture:
        return float(numpy.asarray(picture).std()) > 0


def faults(repository, status, output, seconds, work, before, start):
    """What is wrong with a finished run, [] when all is well."""
    wrong = []
    if status:
        wrong.append(f'status {status}')
    if seconds > repository.seconds:
        wrong.append(f'{seconds:.0f} s, allowed {repository.seconds}')
    if 'Traceback' in output:
        wrong.append('traceback')
    if repository.pattern:
        lines = [line for line in output.splitlines() if re.search(repository.pattern, line)]
        hits = [line for line in lines if finite(line)]
        if len(hits) < repository.times:
            wrong.append(
                f'pattern {len(hits)}×, expected {repository.times}× ({len(lines) - len(hits)} not finite)')
    if repository.files:
        found = glob.glob(os.path.join(work, repository.cwd, repository.files), recursive=True)
        if not any(os.path.getmtime(path) >= start - 1 and good_file(path) for path in found):
            wrong.append(f'no new good {repository.files}')
    after = tree(work)
    changed = [path for path in before if after.get(path) != before[path] and path.endswith(('.py', '.ipynb',
                                                                                             '.md'))]
    changed += [path for path in after if path not in before and path.endswith('.pyc')]
    if changed:
        wrong.append(f'changed: {changed[:3]}')
    return wrong


def measure(repository, way, sources, data, keep=None):
    """What happened to one repository in one of the WAYS: a dictionary."""
    work = tempfile.mkdtemp(prefix='migration-')
    get, interpreter = WAYS[way]
    try:
        copy = os.path.join(work, repository.name)
        get(os.path.join(sources, repository.name), copy)
        subprocess.run(repository.prepare or 'true', shell=True, cwd=copy, check=True,
                       env={**os.environ, 'D': os.path.abspath(data)})
        if repository.before:
            run(repository, repository.before, copy, interpreter(None))
        before, start = tree(copy), time.time()
        status, output, seconds, cpu = run(repository, repository.command, copy, interpreter(repository.stop_after))
        wrong = faults(repository, status, output, seconds, copy, before, start)
        if keep:
            os.makedirs(keep, exist_ok=True)
            with open(os.path.join(keep, f'{repository.name}-{way}.log'), 'w') as file:
                file.write(output)
        restored = re.search(r'legacy: (\d+) restored symbol', output)
        return dict(seconds=seconds, cpu=cpu, wrong=wrong, restored=int(restored.group(1)) if restored else 0)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def versions():
    import platform
    from importlib import metadata
    return f'Python {platform.python_version()}, ' + ', '.join(f'{name} {metadata.version(name.lower())}'
        for name in ('TensorFlow', 'NumPy', 'SciPy', 'Pillow')) + f', {os.cpu_count()} CPU cores'


def table(rows):
    """rows: (repository, {way: what measure gave})."""
    lines = ['| repository | command | `Session.run`s | symbols restored | CPU seconds, run | converted | result |',
             '| --- | --- | --- | --- | --- | --- | --- |']
    for repository, ways in rows:
        place = '' if repository.cwd == '.' else f' (in `{repository.cwd}`)'
        wrong = [f'{way}: {fault}' for way, row in ways.items() for fault in row['wrong']]
        lines.append(f'| {repository.source} | `{repository.command}`{place} | {repository.stop_after} | '
                     f'{ways["run"]["restored"]} | {ways["run"]["cpu"]:.0f} | {ways["converted"]["cpu"]:.0f} | '
                     f'{"; ".join(wrong) or "meets every criterion both ways"} |')
    return '\n'.join(lines)


HEADER = """# Old repositories, run unmodified and converted

Twelve public TF1 GAN repositories under `python -m legacy run --stop_after N COMMAND`, sources untouched, and converted
by `python -m legacy convert SRC DST` under plain `python COMMAND`; no network, no GPU. Written by
`python benchmarks/migration.py --sources SOURCES --data DATA --write benchmarks/migration.md`;
its docstring says what data it needs and what a run has to show to pass. Measured with {versions}.

"""


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--sources', required=True)
    parser.add_argument('--data', required=True)
    parser.add_argument('--only', nargs='*')
    parser.add_argument('--write')
    parser.add_argument('--logs')
    args = parser.parse_args(argv)
    rows = []
    for repository in REPOSITORIES:
        if args.only and repository.name not in args.only:
            continue
        ways = {way: measure(repository, way, args.sources, args.data, args.logs) for way in WAYS}
        for way, row in ways.items():
            print(f'{repository.name}, {way}: {row["seconds"]:.0f} s, {"; ".join(row["wrong"]) or "ok"}', flush=True)
        rows.append((repository, ways))
    if args.write:
        with open(args.write + '.new', 'w') as file:
            file.write(HEADER.format(versions=versions()) + table(rows) + '\n')
        os.replace(args.write + '.new', args.write)
    return 1 if any(row['wrong'] for _, ways in rows for row in ways.values()) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
