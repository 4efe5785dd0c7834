"""Which tensor of a checkpoint file belongs to which tensor of a graph.

Pure name and shape arithmetic: no TensorFlow, no files but a rules file. Ten years of DCGAN checkpoints name
the same tensor in several ways; `match` knows them all and says what it could not place:

    older file                                              today's graph
    g_h0_lin/Matrix              (2016-05, no scopes)       generator/g_h0_lin/Matrix
    g_bn0/beta                   (BN outside the scope)     generator/g_bn0/beta
    g_bn0/g_bn0_1/moments/moments_1/mean/ExponentialMovingAverage    (TF <= 1.1)
    generator/g_bn0/generator/g_bn0/moments/Squeeze_1/ExponentialMovingAverage    (TF >= 1.2)
                                                            generator/g_bn0/moving_mean, moving_variance
    generator/generator/g_h1/w/Adam  (slot made in a scope) generator/g_h1/w/Adam
    discriminator/d_h3_lin/bias  (unconditional, 2016)      discriminator/d_h4_lin/bias

Sources of the names: the history of ops.py and model.py of carpedm20/DCGAN-tensorflow; the names of the ops
that tf.nn.moments made over the years.
"""
import dataclasses
import re

from errors import UserError

SCOPES = {'g_': 'generator', 'd_': 'discriminator'}  # first letters of a layer -> the scope it moved into
RENAMED_LAYERS = (('d_h3_lin', 'd_h4_lin'),)  # the unconditional critic's last layer, before upstream 4165cab
IGNORE = '-'  # right-hand side of a rule: this tensor of the file is to be left alone

_SLOT = re.compile(r'/(Adam|Adam_1|RMSProp|RMSProp_1|Momentum)$')
_MOMENT = re.compile(r'^(?P<scope>.+)/moments(?:_\d+)?/(?:\w+/)?(?P<op>mean|variance|Squeeze|Squeeze_1)'
                     r'/ExponentialMovingAverage$')
_BATCH_NORM_LAYER = re.compile(r'([gd]_bn\d+)(_\d+)?$')
_BATCH_NORM_SCOPE = re.compile(r'/(BatchNorm|batch_normalization)'
                               r'(?=/(beta|gamma|moving_mean|moving_variance)$)')


@dataclasses.dataclass(frozen=True)
class Rule:
    """One line `OLD -> NEW` of a rules file.

    Each `*` of OLD stands for any text, which takes the place of the `*` of NEW that has the same number.
    """
    old: str
    new: str

    def __post_init__(self):
        if self.new.count('*') > self.old.count('*'):
            raise UserError(f'rule "{self.old} -> {self.new}": more * on the right than on the left; '
                            'each * on the right repeats the one at the same place on the left')

    def apply(self, name):
        """The new name for `name`, or None where the rule does not speak of it."""
        found = re.fullmatch('(.*?)'.join(re.escape(part) for part in self.old.split('*')), name)
        if not found:
            return None
        parts = self.new.split('*')
        return ''.join(part + text for part, text in zip(parts, (*found.groups()[:len(parts) - 1], '')))


@dataclasses.dataclass(frozen=True)
class Match:
    """The outcome of `match`; every tuple is sorted.

    mapping:    (graph name, file name) of each tensor that has a source of its own shape
    missing:    graph names for which the file has nothing
    unused:     file names that nothing in the graph wants
    mismatched: (graph name, file name, graph shape, file shape) where the name fits and the shape does not
    """
    mapping: tuple
    missing: tuple
    unused: tuple
    mismatched: tuple

    @property
    def complete(self):
        """Whether every tensor of the graph has its value in the file."""
        return not self.missing and not self.mismatched

    @property
    def renamed(self):
        """The pairs of `mapping` whose two names differ."""
        return tuple((graph, file) for graph, file in self.mapping if graph != file)


def read_rules(path):
    """Rules from a text file: one `OLD -> NEW` a line, `#` comments, NEW `-` to leave a tensor out.

    Raises UserError naming the file and line of anything else.
    """
    try:
        with open(path, encoding='utf-8') as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'rules file {path}: cannot be read as text ({error})') from error
    rules = []
    for number, line in enumerate(lines, 1):
        text = line.partition('#')[0].strip()
        if not text:
            continue
        old, arrow, new = (part.strip() for part in text.partition('->'))
        if not (old and arrow and new) or ' ' in old + new:
            raise UserError(f'rules file {path}, line {number}: "{text}" is not a rule; expected OLD -> NEW, '
                            'for example g_bn*/beta -> generator/g_bn*/beta')
        try:
            rules.append(Rule(old, new))
        except UserError as error:
            raise UserError(f'rules file {path}, line {number}: {error}') from error
    return tuple(rules)


def canonical(name):
    """The one name under which all spellings of a tensor meet, e.g. `g_bn0/beta` -> `generator/g_bn0/beta`.

    Names that are no spelling of a known quirk come back as they are.
    """
    slot = _SLOT.search(name)
    base, suffix = (name[:slot.start()], slot.group()) if slot else (name, '')
    moment = _MOMENT.match(base)
    if moment:
        base = _batch_norm_of(moment['scope'])
        base += '/moving_mean' if moment['op'] in ('mean', 'Squeeze') else '/moving_variance'
    base = _BATCH_NORM_SCOPE.sub('', base)
    parts = base.split('/')
    for scope in SCOPES.values():  # what was made while a scope was open carries that scope in front
        if scope in parts[1:]:
            parts = parts[len(parts) - 1 - parts[::-1].index(scope):]
    if len(parts) > 1 and parts[0][:2] in SCOPES:
        parts.insert(0, SCOPES[parts[0][:2]])
    return '/'.join(parts) + suffix


def apply_rules(names, rules):
    """{name to match under: name in the file}, less the ignored ones.

    rules: `Rule`s or (old, new) pairs; the first that speaks of a name decides.
    Raises UserError for rules that give two tensors one name.
    """
    rules = [rule if isinstance(rule, Rule) else Rule(*rule) for rule in rules]
    ruled, untouched = {}, {}
    for name in sorted(names):
        new = next((new for new in (rule.apply(name) for rule in rules) if new is not None), None)
        if new is None:
            untouched[name] = name
        elif new in ruled:
            raise UserError(f'rules: both {ruled[new]} and {name} of the file become {new}; '
                            f'give one of them a line of its own, for example {name} -> {IGNORE}')
        elif new != IGNORE:
            ruled[new] = name
    return {**untouched, **ruled}


def match(file_tensors, graph_tensors, rules=()):
    """Finds for every tensor of a graph its source in a checkpoint.

    Args:
      file_tensors, graph_tensors: name -> shape (any sequence of int).
      rules: `Rule`s or (old, new) pairs, tried in order on the file's names before anything built in; they
        win over an equal name too.

    Returns a `Match`. A file tensor is used once. Where several would do (the moving averages of D's passes
    over real and over fake images), one of the right shape is preferred, then the first in natural order; the
    others are unused.

    Raises UserError for a rule that renames two tensors to one.
    """
    graph_shapes = {name: tuple(shape) for name, shape in graph_tensors.items()}
    file_names = apply_rules(file_tensors, rules)
    file_shapes = {name: tuple(file_tensors[source]) for name, source in file_names.items()}
    pairs = {name: name for name in graph_shapes if name in file_shapes}
    for key in (canonical, _renamed_layer(file_shapes, graph_shapes)):
        _pair_by(key, pairs, file_shapes, graph_shapes)

    fits = {name for name, file in pairs.items() if graph_shapes[name] == file_shapes[file]}
    used = {file_names[file] for file in pairs.values()}
    return Match(
        mapping=tuple(sorted((name, file_names[pairs[name]]) for name in fits)),
        missing=tuple(sorted(set(graph_shapes) - set(pairs))),
        unused=tuple(sorted(set(file_tensors) - used)),
        mismatched=tuple(sorted((name, file_names[file], graph_shapes[name], file_shapes[file])
                                for name, file in pairs.items() if name not in fits)))


def _batch_norm_of(scope):
    """`generator/g_bn0/generator/g_bn0_1` -> `generator/g_bn0`; `conv1/bn/conv1/bn` -> `conv1/bn`."""
    parts = scope.split('/')
    layers = [(i, _BATCH_NORM_LAYER.match(part)) for i, part in enumerate(parts)]
    for i, layer in reversed(layers):
        if layer:  # TF numbers a name scope that is opened again: g_bn0_1 is the second call of g_bn0
            return '/'.join([*parts[:i], layer[1]]) if i and parts[i - 1] in SCOPES.values() else layer[1]
    half = len(parts) // 2
    return '/'.join(parts[half:]) if len(parts) % 2 == 0 and parts[:half] == parts[half:] else scope


def _renamed_layer(file_shapes, graph_shapes):
    """A key like `canonical` under which a layer's old and new name meet, where only one side has each."""
    def has(names, layer):
        return any(layer in name.split('/') for name in names)

    renames = [(old, new) for old, new in RENAMED_LAYERS
               if has(file_shapes, old) and has(graph_shapes, new)
               and not has(file_shapes, new) and not has(graph_shapes, old)]

    def key(name):
        for old, new in renames:
            name = '/'.join(new if part == old else part for part in name.split('/'))
        return canonical(name)
    return key


def _pair_by(key, pairs, file_shapes, graph_shapes):
    """Adds to `pairs` graph and unused file tensors of equal key.

    A key that two tensors of the graph share decides nothing.
    """
    wanted, offered = {}, {}
    for name in graph_shapes:
        wanted.setdefault(key(name), []).append(name)
    for name in set(file_shapes) - set(pairs.values()):
        offered.setdefault(key(name), []).append(name)
    for value, names in wanted.items():
        if len(names) == 1 and names[0] not in pairs and value in offered:
            shape = graph_shapes[names[0]]
            pairs[names[0]] = min(offered[value],
                                  key=lambda file: (file_shapes[file] != shape, _natural(file)))


def _natural(name):
    """Sort key under which d_bn1_2 comes before d_bn1_10 and d_bn1 before both."""
    return [(int(part), '') if part.isdigit() else (-1, part) for part in re.split(r'(\d+)', name)]
