"""yaml, where PyYAML is not installed: settings in block or flow style, read and written.

Mappings and sequences by indentation, `[a, b]` and `{a: b}` on one line, plain and quoted scalars, comments.
Anchors, tags, multi-line scalars and several documents are refused with the line they are in.
"""
import re

from legacy.absent import stub_parts

_WORDS = {'true': True, 'yes': True, 'on': True, 'false': False, 'no': False, 'off': False, 'null': None,
          '~': None, '': None, '.inf': float('inf'), '-.inf': float('-inf'), '.nan': float('nan')}
_INT, _FLOAT = re.compile(r'[-+]?(0|[1-9][0-9_]*)$'), re.compile(r'[-+]?(\d+\.\d*|\.\d+)([eE][-+]\d+)?$')
_QUOTED = r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\''
_FLOW = re.compile(rf'\s*({_QUOTED}|[\[\]{{}},]|:(?=[\s\[\]{{}},]|$)'
                   r'|(?:[^\s\[\]{},:]|:(?=\S)|\s(?=[^\s\[\]{},:#]))+)')
_KEY = re.compile(rf'({_QUOTED}|[^\s"\'\[\]{{}}#&*!|>%@-](?:[^:#]|:(?=\S)|(?<=\S)#)*|-(?=\S)[^:]*?)'
                  r'\s*:(?:\s+|$)')
_ESCAPES = {'n': '\n', 't': '\t', 'r': '\r', '0': '\0', '"': '"', '\\': '\\', '/': '/', 'e': '\x1b'}


class YAMLError(Exception):
    pass


class Loader:
    """Any of PyYAML's loaders: this part reads no tags, so they are the same."""


SafeLoader = FullLoader = UnsafeLoader = CLoader = CSafeLoader = BaseLoader = Loader


class Dumper:
    pass


SafeDumper = CDumper = Dumper


def older(real):
    """An installed PyYAML, whose `load` needed no Loader before version 6."""
    real.load.__defaults__ = real.load.__defaults__ or (real.FullLoader,)
    return real


def load(stream, Loader=None):
    """The value of a document, text or file; None for an empty one. YAMLError with the line otherwise."""
    text = stream.read() if hasattr(stream, 'read') else stream
    lines = []
    for number, line in enumerate((text.decode() if isinstance(text, bytes) else text).splitlines(), 1):
        line = _without_comment(line)
        if line.strip() and not (line.startswith(('---', '...')) and not lines and not line[3:].strip()):
            lines.append((len(line) - len(line.lstrip(' ')), line.strip(), number))
    if not lines:
        return None
    value, rest = _block(lines, lines[0][0])
    if rest:
        raise _error(rest[0], 'is indented otherwise than what is above it')
    return value


safe_load = full_load = unsafe_load = load


def _without_comment(line):
    return re.match(rf'(?:{_QUOTED}|(?<=\S)#|[^#])*', line).group().rstrip() if '#' in line else line.rstrip()


def _error(line, what):
    return YAMLError(f'line {line[2]}: {line[1]!r} {what}')


def _block(lines, indent):
    """(value, lines left) of the lines that are indented by `indent`."""
    text = lines[0][1]
    if text == '-' or text.startswith('- '):
        return _sequence(lines, indent)
    if _KEY.match(text):
        return _mapping(lines, indent)
    return _inline(lines[0], text), lines[1:]


def _sequence(lines, indent):
    values = []
    while lines and lines[0][0] == indent and (lines[0][1] == '-' or lines[0][1].startswith('- ')):
        line = lines[0]
        inner = line[1][1:].lstrip()
        if inner:
            # what follows the dash is a block of its own, indented by the dash
            lines = [(indent + len(line[1]) - len(inner), inner, line[2])] + lines[1:]
            value, lines = _block(lines, lines[0][0])
        else:
            value, lines = _below(lines[1:], indent + 1)
        values.append(value)
    return values, lines


def _mapping(lines, indent):
    values = {}
    while lines and lines[0][0] == indent:
        line = lines[0]
        key = _KEY.match(line[1])
        if not key:
            raise _error(line, 'is no `key: value`')
        inner = line[1][key.end():]
        if inner:
            value, lines = _inline(line, inner), lines[1:]
        else:
            # a list may stand below its key without indentation
            listed = len(lines) > 1 and lines[1][0] == indent and re.match(r'-( |$)', lines[1][1])
            value, lines = _below(lines[1:], indent if listed else indent + 1)
        values[_scalar(key[1])] = value
    return values, lines


def _below(lines, least):
    return _block(lines, lines[0][0]) if lines and lines[0][0] >= least else (None, lines)


def _inline(line, text):
    if text[0] in '&*!|>%@`':
        raise _error(line, f'needs PyYAML (pip install pyyaml): {text[0]} is not read without it')
    if text[0] not in '[{':
        return _scalar(text)
    tokens = _FLOW.findall(text)
    value, left = _flow(line, tokens)
    if left:
        raise _error(line, 'goes on after its end')
    return value


def _flow(line, tokens):
    if not tokens:
        raise _error(line, 'is not closed in its line')
    first, tokens = tokens[0], tokens[1:]
    if first not in '[{':
        return _scalar(first), tokens
    close, values, pairs = {'[': ']', '{': '}'}[first], [], {}
    while tokens and tokens[0] != close:
        value, tokens = _flow(line, tokens)
        if first == '{' and tokens and tokens[0] == ':':
            pairs[value], tokens = _flow(line, tokens[1:])
        values.append(value)
        if tokens and tokens[0] == ',':
            tokens = tokens[1:]
    if not tokens:
        raise _error(line, 'is not closed in its line')
    return (pairs if first == '{' else values), tokens[1:]


def _scalar(text):
    text = text.strip()
    if text[:1] == '"':
        return re.sub(r'\\(.)', lambda m: _ESCAPES.get(m[1], m[0]), text[1:-1])
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    if text.lower() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
        return _WORDS[text.lower()]
    if _INT.match(text):
        return int(text.replace('_', ''))
    return float(text) if _FLOAT.match(text) else text


def dump(data, stream=None, default_flow_style=False, indent=2, sort_keys=True, **kwargs):
    """`data` as text, or written to `stream`; None if written."""
    text = '\n'.join(_lines(data, 0, indent, sort_keys)) + '\n'
    if stream is None:
        return text
    stream.write(text)


safe_dump = dump


def _lines(value, level, indent, sort_keys):
    pad = ' ' * level
    if isinstance(value, dict) and value:
        keys = sorted(value, key=str) if sort_keys else value
        for key in keys:
            inner = value[key]
            if isinstance(inner, (dict, list, tuple)) and len(inner):
                yield f'{pad}{_written(key)}:'
                below = level + indent if isinstance(inner, dict) else level
                yield from _lines(inner, below, indent, sort_keys)
            else:
                yield f'{pad}{_written(key)}: {_written(inner)}'
    elif isinstance(value, (list, tuple)) and value:
        for inner in value:
            block = list(_lines(inner, level + 2, indent, sort_keys))
            yield f'{pad}- {block[0].lstrip()}'
            yield from block[1:]
    else:
        yield pad + _written(value)


def _written(value):
    if value is None or isinstance(value, bool):
        return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, (dict, list, tuple)):
        return '{}' if isinstance(value, dict) else '[]'
    if hasattr(value, 'item'):
        value = value.item()
    if isinstance(value, float):
        text = {'inf': '.inf', '-inf': '-.inf', 'nan': '.nan'}.get(repr(value), repr(value))
        return text if '.' in text else text.replace('e', '.0e')
    if isinstance(value, int):
        return str(value)
    text = str(value)
    plain = re.match(r'[A-Za-z0-9_./()+][\w ./()+,=-]*$', text) and not text.endswith(' ')
    if plain and _scalar(text) == text:
        return text
    if '\n' in text:
        return '"' + text.replace('\\', r'\\').replace('"', r'\"').replace('\n', r'\n') + '"'
    return "'" + text.replace("'", "''") + "'"


__getattr__ = stub_parts.missing('yaml')
