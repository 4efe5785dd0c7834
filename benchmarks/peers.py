"""The DCGAN training step of this project beside its peers, in one run: steps alternate, so that all see the same machine.

    pip install -r benchmarks/requirements.txt
    python benchmarks/peers.py [rounds]

All do the same work: 48x48, batch 64, gf = df = 64, D once and G twice on the same z, Adam. The peers:
  upstream's way        this project's networks run as DCGAN-tensorflow ran them: D, G, G and three losses in six session.runs,
                        images and z fed, oneDNN off as TensorFlow ships it for processors without AVX-512
  PyTorch, contiguous and channels-last       the networks of PyTorch's DCGAN example with these layer sizes
Printed: the median step, its ratio to ours (median of the rounds' ratios), to the floor (counted FLOPs over the matmul rate of
the same rounds), and the peak memory of each process.
"""
import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

PEERS = {
    'ours': {},
    "upstream's way": {'TF_ENABLE_ONEDNN_OPTS': '0'},
    'PyTorch contiguous': {},
    'PyTorch channels-last': {},
}
WARM_UP = 3


def ours():
    from benchmarks.train_step import COMMANDS, Workload
    work = Workload(COMMANDS['dcgan'].split())
    return work.step, work.matmul_rate, work.flops[0]


def upstreams_way():
    """Six session.runs a step, everything fed."""
    import numpy as np
    from benchmarks.train_step import COMMANDS, Workload
    work = Workload(COMMANDS['dcgan'].split())
    gan, sess = work.gan, work.sess
    with work.graph.as_default():
        fetches = [gan.d_optim, gan.g_optim, gan.g_optim, gan.d_loss_fake, gan.d_loss_real, gan.g_loss]
    images = sess.run(gan.inputs)
    random = np.random.default_rng(0)

    def step():
        z = random.uniform(-1, 1, (gan.cfg.batch_size, gan.cfg.z_dim)).astype(np.float32)
        for fetch in fetches:
            sess.run(fetch, {gan.inputs: images, gan.z: z})
    return step, work.matmul_rate, work.flops[0]


def pytorch(memory_format):
    """PyTorch's DCGAN with the layer sizes of ours: 5x5 kernels at stride 2, 512 maps at a 3x3 base."""
    import torch
    from torch import nn
    from torch.nn import functional
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)

    def down(in_, out):
        return nn.Conv2d(in_, out, 5, 2, 2)

    def up(in_, out):
        return nn.ConvTranspose2d(in_, out, 5, 2, 2, output_padding=1)

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(100, 512 * 3 * 3)
            self.layers = nn.Sequential(
                nn.BatchNorm2d(512), nn.ReLU(), up(512, 256), nn.BatchNorm2d(256), nn.ReLU(), up(256, 128), nn.BatchNorm2d(128),
                nn.ReLU(), up(128, 64), nn.BatchNorm2d(64), nn.ReLU(), up(64, 3), nn.Tanh())

        def forward(self, z):
            return self.layers(self.linear(z).view(-1, 512, 3, 3).contiguous(memory_format=memory_format))

    generator = Generator().to(memory_format=memory_format)
    discriminator = nn.Sequential(
        down(3, 64), nn.LeakyReLU(0.2), down(64, 128), nn.BatchNorm2d(128), nn.LeakyReLU(0.2), down(128, 256), nn.BatchNorm2d(256),
        nn.LeakyReLU(0.2), down(256, 512), nn.BatchNorm2d(512), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(512 * 3 * 3, 1))
    discriminator.to(memory_format=memory_format)
    adam = {net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (generator, discriminator)}
    real = (torch.rand(64, 3, 48, 48) * 2 - 1).contiguous(memory_format=memory_format)
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    loss = functional.binary_cross_entropy_with_logits

    def step():
        z = torch.rand(64, 100) * 2 - 1
        fake = generator(z)                                   # shared by D's update and G's first
        adam[discriminator].zero_grad()
        (loss(discriminator(real), ones) + loss(discriminator(fake.detach()), zeros)).backward()
        adam[discriminator].step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(False)
        for images in (fake, None):
            adam[generator].zero_grad()
            loss(discriminator(generator(z) if images is None else images), ones).backward()
            adam[generator].step()
        for parameter in discriminator.parameters():
            parameter.requires_grad_(True)
    return step, None, None


def serve(name):
    """A worker: answers 'step' and 'matmul' on stdin with seconds or FLOP/s, 'end' with its peak memory."""
    if name == 'ours':
        step, matmul, flops = ours()
    elif name == "upstream's way":
        step, matmul, flops = upstreams_way()
    else:
        import torch
        step, matmul, flops = pytorch(torch.channels_last if 'channels-last' in name else torch.contiguous_format)
    for _ in range(WARM_UP):
        step()
    print(json.dumps({'flops': flops}), flush=True)
    for line in sys.stdin:
        if line == 'step\n':
            begun = time.perf_counter()
            step()
            print(time.perf_counter() - begun, flush=True)
        elif line == 'matmul\n':
            print(matmul(), flush=True)
        else:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
            return


def ask(worker, question):
    worker.stdin.write(question + '\n')
    worker.stdin.flush()
    return float(worker.stdout.readline())


def main(rounds):
    import numpy as np
    workers, flops = {}, None
    for name, environment in PEERS.items():
        workers[name] = subprocess.Popen([sys.executable, __file__, '--serve', name], env={**os.environ, **environment}, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        flops = json.loads(workers[name].stdout.readline())['flops'] or flops
    seconds, rates = {name: [] for name in workers}, []
    for number in range(rounds):
        for name in (list(workers) if number % 2 else reversed(workers)):
            rates.append(ask(workers['ours'], 'matmul'))
            seconds[name].append(ask(workers[name], 'step'))
    memory = {name: ask(worker, 'end') for name, worker in workers.items()}
    rate = np.median(rates)
    print(f'{rounds} rounds, {flops / 1e9:.1f} GFLOP a step, matmul rate {rate / 1e9:.1f} GFLOP/s (best {max(rates) / 1e9:.1f}), '
          f'floor {flops / rate:.3f} s')
    print(f'{"":<24} {"median s":>9} {"best s":>7} {"of floor":>9} {"ours / it":>10} {"peak MB":>8}')
    mine = np.array(seconds['ours'])
    for name, values in seconds.items():
        values = np.array(values)
        print(f'{name:<24} {np.median(values):>9.3f} {values.min():>7.3f} {np.median(values) * rate / flops:>9.2f} '
              f'{np.median(mine / values):>10.3f} {memory[name]:>8.0f}')


if __name__ == '__main__':
    if sys.argv[1:2] == ['--serve']:
        serve(sys.argv[2])
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 15)
