"""This project's training steps beside its peers', in one run: turns alternate, so that all see the same machine.

    pip install -r benchmarks/requirements.txt
    python benchmarks/peers.py                               all contests
    python benchmarks/peers.py mnist anime96 --rounds 5      some of them

All sides of a contest train the same networks by the same schedule on as many images with the same optimisers;
ours reads real data through its input pipeline, the peers are spared that and take one batch from memory:
  upstream's way        this project's networks run as DCGAN-tensorflow ran them: D, G, G and three losses in six
                        session.runs, images and z fed, oneDNN off as on processors without AVX-512
  PyTorch, contiguous and channels-last       peer_pytorch.py
  Keras, as shipped and with oneDNN           peer_keras.py, a tf.function; without and with TF_ENABLE_ONEDNN_OPTS=1
Printed: seconds a step (median and best), the median's ratio to the floor (counted FLOPs over the matmul rate of the
same rounds) and ours to it (median of the rounds' ratios); of each process the peak memory (VmHWM) and the anonymous
memory after the last turn (RssAnon): importing TensorFlow maps large libraries, which only the first counts.
"""
import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

WARM_UP = 3              # steps, at least: the first ones choose kernels, trace and allocate


def workload(plugin, batch):
    from benchmarks.train_step import COMMANDS, Workload
    return Workload([*COMMANDS[plugin].split(), '--batch_size', str(batch)])


def ours(plugin, batch):
    work = workload(plugin, batch)
    return work.step, work


def upstreams_way(plugin, batch):
    """Six session.runs a step, everything fed."""
    import numpy as np
    work = workload(plugin, batch)
    gan, sess = work.gan, work.sess
    with work.graph.as_default():
        fetches = [gan.d_optim, gan.g_optim, gan.g_optim, gan.d_loss_fake, gan.d_loss_real, gan.g_loss]
    images = sess.run(gan.inputs)
    random = np.random.default_rng(0)

    def step():
        z = random.uniform(-1, 1, (batch, gan.cfg.z_dim)).astype(np.float32)
        for fetch in fetches:
            sess.run(fetch, {gan.inputs: images, gan.z: z})
    return step, work


def pytorch(layout):
    def build(plugin, batch):
        from benchmarks import peer_pytorch
        return peer_pytorch.STEPS[plugin](batch, layout), None
    return build


def keras(plugin, batch):
    from benchmarks import peer_keras
    return peer_keras.STEPS[plugin](batch), None


PEERS = {      # name -> environment, (plugin, batch) -> its step and our Workload, if it has one
    'ours': ({}, ours),
    "upstream's way": ({'TF_ENABLE_ONEDNN_OPTS': '0'}, upstreams_way),
    'PyTorch contiguous': ({}, pytorch('contiguous_format')),
    'PyTorch channels-last': ({}, pytorch('channels_last')),
    'Keras as shipped': ({}, keras),
    'Keras with oneDNN': ({'TF_ENABLE_ONEDNN_OPTS': '1'}, keras),
}


@dataclasses.dataclass(frozen=True)
class Contest:
    """batch: real images a step. turn: steps in a row, a whole number of the schedule's periods. peers: beside ours."""
    batch: int
    turn: int
    peers: tuple


CONTESTS = {   # batches of record, but 64 for anime96's 256, which is slow on two cores
    'dcgan': Contest(64, 1, ("upstream's way", 'PyTorch contiguous', 'PyTorch channels-last')),
    'anime96': Contest(64, 5, ('PyTorch contiguous', 'PyTorch channels-last')),
    'mnist': Contest(64, 5, ('Keras as shipped', 'Keras with oneDNN')),
    'mnist_keras': Contest(32, 5, ('Keras as shipped', 'Keras with oneDNN')),
}


def serve(plugin, name):
    """A worker: answers 'turn' and 'matmul' on stdin with seconds a step or FLOP/s, 'memory' in MB."""
    contest = CONTESTS[plugin]
    step, work = PEERS[name][1](plugin, contest.batch)
    for _ in range(-(-WARM_UP // contest.turn) * contest.turn):
        step()
    if work:
        assert contest.turn % len(work.flops) == 0, 'a turn is whole periods'
    print(json.dumps(sum(work.flops) / len(work.flops) if work else None), flush=True)
    for line in sys.stdin:
        if line == 'turn\n':
            begun = time.perf_counter()
            for _ in range(contest.turn):
                step()
            answer = (time.perf_counter() - begun) / contest.turn
        elif line == 'matmul\n':
            answer = work.matmul_rate()
        else:
            answer = memory()
        print(json.dumps(answer), flush=True)


def memory():
    """(peak resident, anonymous now) memory of this process in MB."""
    with open('/proc/self/status', encoding='ascii') as file:
        kb = {key: int(value.split()[0]) for key, value in (line.split(':') for line in file) if value.endswith(' kB\n')}
    return kb['VmHWM'] / 1024, kb['RssAnon'] / 1024


class Worker:
    """A peer in a process of its own; `flops` of a step where it knows them."""

    def __init__(self, plugin, name):
        inherited = {key: value for key, value in os.environ.items() if key != 'TF_ENABLE_ONEDNN_OPTS'}
        self.process = subprocess.Popen(
            [sys.executable, __file__, '--serve', plugin, name], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**inherited, 'TF_CPP_MIN_LOG_LEVEL': '3', **PEERS[name][0]})
        self.flops = self._answer()

    def ask(self, question):
        self.process.stdin.write(question + '\n')
        self.process.stdin.flush()
        return self._answer()

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f'{" ".join(self.process.args[-2:])} ended before its time; its error is above')
        return json.loads(line)


def measure(plugin, rounds):
    """Prints the table of one contest."""
    import numpy as np
    contest = CONTESTS[plugin]
    workers = {name: Worker(plugin, name) for name in ('ours', *contest.peers)}
    seconds, rates = {name: [] for name in workers}, []
    for number in range(rounds):
        for name in (list(workers) if number % 2 else reversed(workers)):
            rates.append(workers['ours'].ask('matmul'))
            seconds[name].append(workers[name].ask('turn'))
    flops, rate = workers['ours'].flops, np.median(rates)
    print(f'{plugin}: batch {contest.batch}, {rounds} rounds of {contest.turn} steps, {flops / 1e9:.1f} GFLOP a step, '
          f'matmul rate {rate / 1e9:.1f} GFLOP/s (best {max(rates) / 1e9:.1f}), floor {flops / rate:.4f} s')
    print(f'{"":<24} {"median s":>9} {"best s":>8} {"of floor":>9} {"ours / it":>10} {"peak MB":>8} {"anon MB":>8}')
    mine = np.array(seconds['ours'])
    for name, worker in workers.items():
        peak, anonymous = worker.ask('memory')
        worker.end()
        values = np.array(seconds[name])
        print(f'{name:<24} {np.median(values):>9.4f} {values.min():>8.4f} {np.median(values) * rate / flops:>9.2f} '
              f'{np.median(mine / values):>10.3f} {peak:>8.0f} {anonymous:>8.0f}', flush=True)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('plugins', nargs='*', metavar='plugin', help=f'of {", ".join(CONTESTS)}; all by default')
    parser.add_argument('--rounds', type=int, default=15, help='turns of each side (%(default)s)')
    options = parser.parse_args(arguments)
    unknown = [plugin for plugin in options.plugins if plugin not in CONTESTS]
    if unknown or options.rounds < 1:
        parser.error(f'no contest {unknown[0]}, there are {", ".join(CONTESTS)}' if unknown
                     else f'--rounds {options.rounds}: expected 1 or more')
    for plugin in options.plugins or CONTESTS:
        measure(plugin, options.rounds)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--serve']:
        serve(*sys.argv[2:])
    else:
        main(sys.argv[1:])
