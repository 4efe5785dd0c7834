"""tf.app.flags as it was before TensorFlow 1.5 (argparse), with what scripts of both ages do to FLAGS.

A boolean takes a separate value (`--stair False`) or none (`--stair`, `--nostair`); unknown arguments are
left alone;
a number's default may be a text or infinity; FLAGS is read before parsing, assigned to, listed, turned into
JSON.
"""
import sys
import types

from legacy import notes


class Flag:
    """One flag: what FLAGS[name] of TensorFlow ≥ 1.5 gives."""

    def __init__(self, name, default, help, convert, owner):
        self.name, self.default, self.help, self.convert, self.owner = name, default, help, convert, owner
        self.present = 0

    @property
    def value(self):
        return self.owner._values.get(self.name, self.default)

    @value.setter
    def value(self, new):
        self.owner._values[self.name] = new

    def __repr__(self):
        return f'<Flag {self.name}={self.value!r}>'


TRUE, FALSE = ('true', 't', '1', 'yes', 'y'), ('false', 'f', '0', 'no', 'n')


def _boolean(text):
    if isinstance(text, str):
        return text.lower() in TRUE
    return bool(text)


def _integer(text):
    if isinstance(text, str):
        try:
            return int(text, 0)
        except ValueError:
            return int(float(text)) if float(text).is_integer() else float(text)       # 1e5, inf
    return text


def _float(text):
    return float(text)


class FlagValues:
    """FLAGS: attributes are values, items are Flag objects, `__flags` the dictionary of plain values.

    The dictionary is in `FLAGS.__dict__` too, under the same name.
    """

    def __init__(self):
        values = {}
        self.__dict__.update(_flags={}, _values=values, _parsed=False, _rest=[], **{'__flags': values})

    def _define(self, name, default, help, convert):
        name = name.replace('-', '_')
        if isinstance(default, str) and convert in (_integer, _float):
            default = convert(default)                                  # argparse converted text defaults
        self._flags[name] = Flag(name, default, help, convert, self)
        self._values[name] = default
        self.__dict__['_parsed'] = False

    def _parse(self, argv=None):
        """Reads the arguments that are flags; returns the others."""
        argv = sys.argv[1:] if argv is None else argv
        self.__dict__['_parsed'] = True
        rest, todo = [], list(argv)
        while todo:
            word = todo.pop(0)
            if word == '--':
                rest += todo
                break
            if not word.startswith('-') or word == '-':
                rest.append(word)
                continue
            name, equals, text = word.lstrip('-').partition('=')
            name = name.replace('-', '_')
            flag = self._flags.get(name)
            if flag is None and name[:2] == 'no' and not equals and self._flags.get(name[2:]) is not None \
                    and self._flags[name[2:]].convert is _boolean:
                self._values[name[2:]] = False
                continue
            if flag is None:
                if name in ('help', 'h', 'helpfull', 'helpshort') and self._flags:
                    self._print_help()
                if self._flags:                          # else the script has an argument parser of its own
                    notes.say(f'unknown argument {word} is left alone', 'flag ' + word)
                rest.append(word)
                continue
            flag.present += 1
            if flag.convert is _boolean and not equals:
                text = todo.pop(0) if todo and todo[0].lower() in TRUE + FALSE else 'true'
            elif not equals:
                if not todo:
                    self._fail(f'argument --{name}: expected one argument')
                text = todo.pop(0)
            try:
                self._values[name] = flag.convert(text)
            except ValueError:
                self._fail(f'argument --{name}: invalid value: {text!r}')
        self.__dict__['_rest'] = rest
        return rest

    def _fail(self, message):
        print(f'{sys.argv[0]}: error: {message}', file=sys.stderr)
        sys.exit(2)

    def _print_help(self):
        print(f'usage: {sys.argv[0]} [flags]')
        for name, flag in sorted(self._flags.items()):
            print(f'  --{name}  {flag.help or ""} (default: {flag.default})')
        sys.exit(0)

    def __getattr__(self, name):
        if name.endswith('__flags'):                    # also mangled: FLAGS.__flags inside a class body
            return self._plain_values()
        if name.endswith('__parsed'):
            return self._parsed
        if name.startswith('__'):
            raise AttributeError(name)
        self._ensure()
        if name not in self._values:
            raise AttributeError(name)
        return self._values[name]

    def _ensure(self):
        if not self._parsed:
            self._parse()

    def _plain_values(self):
        """The dictionary of values itself: scripts print it, pass it on and write to it."""
        self._ensure()
        return self._values

    def __setattr__(self, name, value):
        self._ensure()
        self._values[name] = value

    def __delattr__(self, name):
        self._flags.pop(name, None)
        self._values.pop(name, None)

    def __getitem__(self, name):
        self._ensure()
        if name not in self._flags and name in self._values:
            self._flags[name] = Flag(name, self._values[name], '', lambda text: text, self)
        return self._flags[name]

    def __setitem__(self, name, flag):
        self._flags[name] = flag
        self._values[name] = flag.value

    def __contains__(self, name):
        return name in self._values

    def __iter__(self):
        self._ensure()
        return iter(sorted(self._values))

    def __len__(self):
        return len(self._values)

    def __dir__(self):
        return sorted(self._values)

    def __call__(self, argv=None, known_only=False):
        return [(argv or sys.argv)[0]] + self._parse((argv or sys.argv)[1:])

    def flag_values_dict(self):
        self._ensure()
        return dict(self._values)

    def get_flag_value(self, name, default):
        return self._values.get(name, default)

    def set_default(self, name, value):
        self._flags[name].default = value
        self._values[name] = value

    def is_parsed(self):
        return self._parsed

    def mark_as_parsed(self):
        self.__dict__['_parsed'] = True

    def unparse_flags(self):
        self.__dict__['_parsed'] = False

    def append_flag_values(self, other):
        self._flags.update(other._flags)
        self._values.update(other._values)

    def remove_flag_values(self, names):
        for name in list(names):
            self.__delattr__(name)

    def _parse_flags(self, args=None):
        return self._parse(args)

    def keys(self):
        self._ensure()
        return list(self._values)

    def flags_into_string(self):
        self._ensure()
        return ''.join(f'--{name}={value}\n' for name, value in sorted(self._values.items()))

    def __repr__(self):
        return repr(self._values)


setattr(FlagValues, '__flags', property(FlagValues._plain_values))     # in a class body it would be mangled

FLAGS = FlagValues()
_global_parser = None


def _definer(convert):
    def define(flag_name=None, default_value=None, docstring='', *args, name=None, default=None, help=None,
               **kwargs):
        FLAGS._define(flag_name if flag_name is not None else name, default_value if default is None
                      else default, docstring if help is None else help, convert)
    return define


DEFINE_string = _definer(str)
DEFINE_integer = _definer(_integer)
DEFINE_float = _definer(_float)
DEFINE_boolean = DEFINE_bool = _definer(_boolean)


def DEFINE_enum(name, default, enum_values, help='', **kwargs):
    def convert(text):
        if text not in enum_values:
            raise ValueError(text)
        return text
    FLAGS._define(name, default, help, convert)


def DEFINE_list(name, default, help='', **kwargs):
    def convert(text):
        return [word for word in text.split(',') if word] if isinstance(text, str) else list(text)
    FLAGS._define(name, convert(default) if default is not None else None, help, convert)


DEFINE_multi_string = DEFINE_multi_integer = DEFINE_list
DEFINE_spaceseplist = DEFINE_list


def mark_flag_as_required(name, *args, **kwargs):
    """Checked when the flag is read: nothing to do here."""


mark_flags_as_required = register_validator = mark_flag_as_required


def run(main=None, argv=None):
    """tf.app.run: parses, then ends the script with main's result. `main` may take argv or nothing."""
    import inspect
    args = FLAGS._parse(argv[1:] if argv else None)
    absl = sys.modules.get('absl.flags')
    if absl is not None and not absl.FLAGS.is_parsed():
        absl.FLAGS(sys.argv, known_only=True)
    main = main or sys.modules['__main__'].main
    try:
        takes = len([p for p in inspect.signature(main).parameters.values()
                     if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)])
    except (TypeError, ValueError):
        takes = 1
    sys.exit(main([sys.argv[0]] + args) if takes else main())


MODULE = sys.modules[__name__]
app = types.ModuleType('tensorflow.app')
app.run, app.flags = run, MODULE
