"""How much memory a graph will take, told from its shapes before a step is run, and how much there is."""
import os

from tf1 import tf

PROGRAM = 600 * 2 ** 20         # bytes: Python, TensorFlow's libraries and its thread pools before the first tensor
IN_PLACE = {'Identity', 'Reshape', 'Squeeze', 'ExpandDims', 'StopGradient', 'Snapshot', 'EnsureShape', 'PlaceholderWithDefault',
            'ReadVariableOp', 'VarHandleOp', 'Shape', 'IdentityN'}      # outputs that share the memory of an input or of a variable


def estimate(operations, variables, batch):
    """Bytes that running `operations` takes: the program, the variables, and the most that is alive at once in between.

    Every output lives from its operation to the last one that reads it, in the order in which they were built. An unknown
    dimension counts as `batch`.
    """
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
    return PROGRAM + sum(_bytes(variable, batch) for variable in variables) + peak


def available():
    """Bytes that this process may still take: of the machine, and of the control group (container, Slurm job) it runs in."""
    found = [_meminfo(), *(_cgroup(*files) for files in (
        ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory.current'),
        ('/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/memory/memory.usage_in_bytes')))]
    return min((size for size in found if size is not None), default=None)


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


def _meminfo():
    try:
        with open('/proc/meminfo', encoding='ascii') as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith('MemAvailable:')), None)
    except OSError:
        return _physical()


def _physical():
    try:
        return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    except (ValueError, OSError):
        return None


def _cgroup(limit_file, used_file):
    try:
        with open(limit_file, encoding='ascii') as limit, open(used_file, encoding='ascii') as used:
            return max(0, int(limit.read()) - int(used.read()))
    except (OSError, ValueError):           # no such control group, or 'max': no limit
        return None
