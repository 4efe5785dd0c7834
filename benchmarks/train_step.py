"""Seconds a training step and a sampled image take, beside the floor that their arithmetic sets on this machine.

    python benchmarks/train_step.py                         all plugins
    python benchmarks/train_step.py dcgan anime96           some of them
    python benchmarks/train_step.py dcgan --batch_size 32   with flags of main.py

Each plugin runs in a process of its own, on real data through the real input pipeline. Steps and large matrix products
alternate; the floor of a step is its counted FLOPs over the matmul rate of the same seconds. Medians.
"""
import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

STEPS = 20
WARM_UP = 3              # the first steps choose kernels and allocate
MATMUL = 3072            # a product of this size runs at the machine's full rate
SAMPLES = 256
COMMANDS = {
    'dcgan': '--dataset faces --input_height 96 --output_height 48 --crop',
    'mnist': '--dataset mnist',
    'cat128': '--dataset faces --plugin cat128',
    'anime96': '--dataset faces --plugin anime96',
    'mnist_keras': '--dataset mnist --plugin mnist_keras',
    'mlp': '--dataset mnist --plugin mlp',
}


class Workload:
    """One plugin's training step and a large matrix product, in one session."""

    def __init__(self, arguments):
        import numpy as np
        import main
        import plugins
        from model import DCGAN
        from tf1 import session, tf
        self.cfg, _ = main.parse(arguments)
        self.plugin = plugins.load(self.cfg.plugin)
        dataset = self.plugin.open_dataset(self.cfg)
        self.flops = self._count_flops(dataset)
        self.graph = tf.Graph()
        self.sess = session(self.graph)
        with self.graph.as_default():
            self.gan = DCGAN.from_config(self.sess, self.cfg, self.plugin, dataset)
            matrix = tf.get_variable('benchmark/matrix', initializer=np.ones([MATMUL, MATMUL], np.float32), use_resource=True)
            self.product = tf.matmul(matrix, matrix).op
            self.sess.run(tf.global_variables_initializer())
        self.index = 0

    def _count_flops(self, dataset):
        """FLOPs of each step of the schedule's period."""
        from benchmarks import flops
        from model import DCGAN
        with flops.plain_graph():
            gan = DCGAN.from_config(None, self.cfg, self.plugin, dataset)
            return [flops.of([gan.step(index).train_op, *gan.step(index).metrics.values()]) for index in range(gan.period)]

    def step(self):
        """(seconds, seconds of them spent waiting for images) of one session.run, as the training loop does it."""
        step = self.gan.step(self.index)
        begun = time.perf_counter()
        _, _, wait = self.sess.run([step.train_op, step.metrics, self.gan.input_wait])
        self.index += 1
        return time.perf_counter() - begun, float(wait)

    def matmul_rate(self):
        """FLOP/s of one large product."""
        begun = time.perf_counter()
        self.sess.run(self.product)
        return 2 * MATMUL ** 3 / (time.perf_counter() - begun)


def measure(arguments, steps):
    """The row of one plugin as a dict."""
    import numpy as np
    import sampling
    work = Workload(arguments)
    period = len(work.flops)
    for _ in range(max(WARM_UP, period)):
        work.step(), work.matmul_rate()
    work.index = 0
    seconds, waits, rates = [], [], []
    for _ in range(-(-steps // period) * period):
        rates.append(work.matmul_rate())
        second, wait = work.step()
        seconds.append(second)
        waits.append(wait)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    # Where steps differ (G only on every fifth batch), the cost of a step is that of the whole period over its steps.
    by_phase = np.array(seconds).reshape(-1, period)
    step = float(np.median(by_phase, axis=0).mean())
    rate = float(np.median(rates))
    flops = sum(work.flops) / period
    with sampling.Sampler.from_session(work.gan.cfg, work.plugin, work.sess) as sampler:
        z = sampling.draw_z(work.cfg.z_dist, SAMPLES, work.cfg.z_dim, 0)
        y = sampling.labels_for_grid(work.gan.cfg.y_dim, SAMPLES)
        sampler.images(z, y)
        sampled = []
        for _ in range(5):
            rates.append(work.matmul_rate())
            begun = time.perf_counter()
            sampler.images(z, y)
            sampled.append(time.perf_counter() - begun)
    return {'plugin': work.plugin.name, 'size': f'{work.cfg.output_height}x{work.cfg.output_width}', 'batch': work.cfg.batch_size,
            'seconds': step, 'images_per_second': work.cfg.batch_size / step, 'gflop': flops / 1e9, 'matmul_gflops': rate / 1e9,
            'share': flops / step / rate, 'best_share': flops / float(by_phase.min(axis=0).mean()) / max(rates),
            'peak_mb': peak / 2**20, 'input_wait': sum(waits) / sum(seconds),
            'samples_per_second': SAMPLES / float(np.median(sampled)),
            'sampling_share': _generator_flops(work) * SAMPLES / float(np.median(sampled)) / rate}


def _generator_flops(work):
    """FLOPs of one generated image."""
    import model
    from benchmarks import flops
    from tf1 import tf
    cfg, batch = work.gan.cfg, 64
    with flops.plain_graph():
        y = tf.zeros([batch, cfg.y_dim]) if cfg.y_dim else None
        return flops.of([model.generate(work.plugin, cfg, tf.zeros([batch, cfg.z_dim]), y, training=False)]) / batch


def time_to_first_step():
    """Seconds from typing the command of record to its first step's line."""
    import tempfile
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, 'main.py', *COMMANDS['dcgan'].split(), '--train', '--out_dir', out]
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.startswith('['):
                break
        seconds = time.perf_counter() - begun
        process.kill()
        process.wait()
        process.stdout.close()
        return seconds


def main_(arguments):
    flags = [argument for argument in arguments if argument.startswith('-') or arguments.index(argument) and
             arguments[arguments.index(argument) - 1].startswith('-')]
    names = [argument for argument in arguments if argument not in flags] or list(COMMANDS)
    if os.environ.get('BENCHMARK_CHILD'):
        print(json.dumps(measure([*COMMANDS[names[0]].split(), *flags], STEPS)))
        return 0
    print(f'{"plugin":<12} {"size":>8} {"batch":>5} {"s/step":>8} {"images/s":>8} {"GFLOP":>8} {"matmul":>7} {"share":>6} {"best":>6} '
          f'{"peak MB":>8} {"wait":>6} {"samples/s":>9} {"share":>6}')
    for name in names:
        child = subprocess.run([sys.executable, __file__, name, *flags], env={**os.environ, 'BENCHMARK_CHILD': '1'}, stdout=subprocess.PIPE,
                               text=True, check=True)
        row = json.loads(child.stdout.splitlines()[-1])
        print(f'{row["plugin"]:<12} {row["size"]:>8} {row["batch"]:>5} {row["seconds"]:>8.3f} {row["images_per_second"]:>8.1f} '
              f'{row["gflop"]:>8.1f} {row["matmul_gflops"]:>7.1f} {row["share"]:>6.1%} {row["best_share"]:>6.1%} {row["peak_mb"]:>8.0f} '
              f'{row["input_wait"]:>6.1%} {row["samples_per_second"]:>9.0f} {row["sampling_share"]:>6.1%}', flush=True)
    print(f'first step after {time_to_first_step():.1f} s')
    return 0


if __name__ == '__main__':
    sys.exit(main_(sys.argv[1:]))
