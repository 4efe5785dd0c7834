"""Trains a tiny model for 5,000 steps and watches its process: memory and file descriptors must stay flat.

    python tests/soak.py [--steps 5000]

Exit status 1 when either grows after the first tenth of the steps.
"""
import argparse
import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
GROWTH_MB = 16          # allowed between the first tenth and the end: thread stacks, the heap's slack
PAGE = os.sysconf('SC_PAGE_SIZE')


def look(pid):
    """(resident MB, open file descriptors, threads) of a process."""
    with open(f'/proc/{pid}/statm', encoding='ascii') as file:
        resident = int(file.read().split()[1]) * PAGE / 2 ** 20
    return resident, len(os.listdir(f'/proc/{pid}/fd')), len(os.listdir(f'/proc/{pid}/task'))


def last_step(path):
    """The step in the last whole row of losses.csv, 0 while there is none."""
    if not os.path.exists(path):
        return 0
    with open(path, 'rb') as file:
        file.seek(max(0, os.path.getsize(path) - 300))
        rows = list(csv.reader(file.read().decode().split('\n')[:-1]))
    return int(rows[-1][0]) if rows and rows[-1] and rows[-1][0].isdecimal() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--steps', type=int, default=5000)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        images, batch = 64, 4
        command = [sys.executable, str(ROOT / 'main.py'), '--train', '--dataset', str(ROOT / 'data' / 'faces'), '--train_size', str(images),
                   '--plugin', 'dcgan', '--output_height', '16', '--input_height', '96', '--crop', '--batch_size', str(batch),
                   '--gf_dim', '4', '--df_dim', '4', '--z_dim', '8', '--epoch', str(-(-steps * batch // images)), '--sample_freq', '100',
                   '--ckpt_freq', '200', '--out_dir', folder, '--out_name', 'soak']
        seen = watch(command, os.path.join(folder, 'soak', 'losses.csv'), steps)
    settled = next(values for step, *values in seen if step >= steps // 10)
    grown = [after - before for before, after in zip(settled, seen[-1][1:])]
    print(f'from step {steps // 10} to {seen[-1][0]}: {grown[0]:+.1f} MB, {grown[1]:+d} file descriptors, {grown[2]:+d} threads')
    return int(grown[0] > GROWTH_MB or grown[1] > 0 or grown[2] > 0)


def watch(command, losses, steps):
    """Runs a training command. Returns [(step, MB, descriptors, threads)], ten looks and the last one before its end."""
    seen, next_look = [], steps // 10
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        step = last_step(losses)
        if step >= next_look and step < steps - 2:      # at the end the curve and the GIF are drawn, which is no leak
            seen.append((step, *look(process.pid)))
            print(f'step {seen[-1][0]}: {seen[-1][1]:.1f} MB, {seen[-1][2]} file descriptors, {seen[-1][3]} threads', flush=True)
            next_look = min(next_look + steps // 10, steps - max(4, steps // 50)) if next_look < steps - steps // 50 else steps
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f'the training ended with status {process.returncode}')
    return seen


if __name__ == '__main__':
    sys.exit(main())
