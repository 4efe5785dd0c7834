"""How much memory training will take, told from a graph's shapes before a step is run, and how much there is.

Measured (the process at its largest, 3 steps with samples and a checkpoint, TensorFlow 2.21 on 2 cores), python tests/memory_table.py:

    plugin batch size ...                 estimate   measured (MB)
    mlp 64 28                                  622        613   +1%
    mnist_keras 32 28                          661        687   -4%
    mnist 64 28                                890        923   -4%
    dcgan 64 48 gf_dim=32 df_dim=32            748        756   -1%
    dcgan 16 48                                856        872   -2%
    dcgan 64 48                                980        963   +2%
    dcgan 128 48                              1145       1085   +6%
    dcgan 32 96                               1168       1104   +6%
    dcgan 64 48 gf_dim=128 df_dim=128         1739       1645   +6%
    anime96 16 96                              804        796   +1%
    anime96 32 96                              859        842   +2%
    anime96 128 96                            1190       1047   +14%
    cat128 4 128                              1719       1783   -4%
    cat128 8 128                              1945       1901   +2%
"""
import os
import pathlib

from tf1 import tf

PROGRAM = 610 * 2 ** 20         # bytes: Python, TensorFlow's libraries, graph and thread pools, without any tensor
# TensorFlow's allocator (BFC) hands out a free piece of up to twice the size asked for whole and gives nothing back to the system:
# what was seen beside PROGRAM is 1.1 to 1.7 times the tensors that live at once.
SLACK = 1.45
IN_PLACE = {'Identity', 'Reshape', 'Squeeze', 'ExpandDims', 'StopGradient', 'Snapshot', 'EnsureShape', 'PlaceholderWithDefault',
            'ReadVariableOp', 'VarHandleOp', 'Shape', 'IdentityN'}      # outputs that share the memory of an input or of a variable


def estimate(operations, variables, batch):
    """Bytes that a process takes at most which runs `operations`: the program and, with the slack of the allocator, the variables
    (weights, moving averages, two moments of Adam a weight) and the most that is alive at once in between (activations kept for
    the backward pass, gradients). An unknown dimension counts as `batch`."""
    return PROGRAM + int(SLACK * (sum(_bytes(variable, batch) for variable in variables) + most_alive(operations, batch)))


def most_alive(operations, batch):
    """Bytes: each output lives from its operation to the last one that reads it, in the order in which they were built."""
    order = sorted(_needed(operations), key=lambda operation: operation._id)
    last_use = {}
    for position, operation in enumerate(order):
        for tensor in operation.inputs:
            last_use[_owner(tensor)] = position
    alive = peak = 0
    ends = {}
    for position, operation in enumerate(order):
        if operation.type not in IN_PLACE:
            made = {tensor: _bytes(tensor, batch) for tensor in operation.outputs if tensor in last_use}
            alive += sum(made.values())
            for tensor, size in made.items():
                ends.setdefault(last_use[tensor], []).append(size)
        peak = max(peak, alive)
        alive -= sum(ends.pop(position, ()))
    return peak


def available(root='/'):
    """Bytes that this process may take, what it has included: of the machine, and of the control groups (container, Slurm job) that
    it runs in. None where nothing is known. root: the folder that proc and sys are in."""
    free = [_meminfo(root), *_control_groups(root)]
    free = [size for size in free if size is not None]
    return min(free) + _resident(root) if free else None


def warning(needed, there, cfg):
    """One line for the user when `needed` bytes are more than the `there` ones (None: unknown), else None."""
    if there is None or needed <= there:
        return None
    return (f'warning: a step takes about {needed / 2**30:.1f} GB of memory and {there / 2**30:.1f} GB are free: it may be ended by the '
            f'system; a smaller --batch_size ({cfg.batch_size}), size ({cfg.output_height}x{cfg.output_width}), --gf_dim ({cfg.gf_dim}) '
            f'or --df_dim ({cfg.df_dim}) takes less')


def _needed(operations):
    """The operations themselves and all that they depend on."""
    found, waiting = set(), list(operations)
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return found


def _owner(tensor):
    while tensor.op.type in IN_PLACE and tensor.op.inputs:
        tensor = tensor.op.inputs[0]
    return tensor


def _bytes(tensor, batch):
    if tensor.shape.rank is None or tensor.dtype.base_dtype in (tf.resource, tf.variant, tf.string):
        return 0
    size = tensor.dtype.base_dtype.size
    for dimension in tensor.shape.as_list():
        size *= batch if dimension is None else dimension
    return size


def _meminfo(root):
    try:
        with open(os.path.join(root, 'proc/meminfo'), encoding='ascii') as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith('MemAvailable:')), None)
    except OSError:
        return _physical()


def _physical():
    try:
        return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    except (ValueError, OSError):
        return None


def _resident(root):
    """Bytes of memory that this process holds."""
    try:
        return int(_text(root, 'proc/self/statm').split()[1]) * os.sysconf('SC_PAGE_SIZE')
    except (OSError, ValueError, IndexError):
        return 0


def _control_groups(root):
    """What is free of each control group with a limit that this process is in, the groups around it included.

    /proc/self/cgroup has lines of number:controllers:path; in a container the path may be one of the host, whose upper end is what
    the container sees.
    """
    try:
        lines = _text(root, 'proc/self/cgroup').splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(':', 2)
        if controllers and 'memory' not in controllers.split(','):
            continue
        base, limit, used, cached = ('sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file') \
            if controllers else ('sys/fs/cgroup', 'memory.max', 'memory.current', 'inactive_file')
        group = pathlib.PurePosixPath('/', path)
        for folder in (group, *group.parents):
            place = os.path.join(root, base, str(folder).lstrip('/'))
            try:
                # files that were read count as used until the memory is wanted
                yield max(0, int(_text(place, limit)) - int(_text(place, used)) + _stat(place, cached))
            except (OSError, ValueError):           # no such control group, or 'max': no limit
                continue


def _stat(place, name):
    return next((int(line.split()[1]) for line in _text(place, 'memory.stat').splitlines() if line.split()[0] == name), 0)


def _text(*path):
    with open(os.path.join(*path), encoding='ascii', errors='replace') as file:
        return file.read()
