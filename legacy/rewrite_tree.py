"""Small changes to libcst trees that know nothing of TensorFlow: arguments, commas, statements, imports."""
import libcst as cst


REMOVED = cst.parse_statement('__removed__')


def without_removed(body):
    """(body, footer): statements less those taken out, whose comments move to the next one or the footer."""
    kept, comments = [], []
    for statement in body:
        if statement.deep_equals(REMOVED.with_changes(leading_lines=getattr(statement, 'leading_lines', ()))):
            comments += statement.leading_lines
        elif comments:
            kept.append(statement.with_changes(leading_lines=[*comments, *statement.leading_lines]))
            comments = []
        else:
            kept.append(statement)
    return kept, comments


def insertion_point(body, names, module, switch):
    """Where added imports go: before the first use of `names`; after the import of `module` and the `switch`
    below it, else after the first imports."""
    position, used = 0, len(body)
    for n, statement in enumerate(body):
        if any(name.value in names for name in every(statement, cst.Name)):
            used = n
            break
    for n, statement in enumerate(body[:used]):
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
            break
        part = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        if isinstance(part, cst.Import) and any(dotted(alias.name) == module for alias in part.names):
            is_switch = n + 1 < len(body) and switch in cst.Module([]).code_for_node(body[n + 1])
            return n + 1 + is_switch
        if isinstance(part, (cst.Import, cst.ImportFrom)) or n == 0 and isinstance(part, cst.Expr):
            position = n + 1
    return position


def dotted(node):
    """'a.b.c' of a Name or Attribute; '' of None."""
    if node is None:
        return ''
    return node.value if isinstance(node, cst.Name) else f'{dotted(node.value)}.{node.attr.value}'


def imported(statement, name):
    """The dotted path that an import statement binds to `name`, or None."""
    if isinstance(statement, cst.Import):
        for alias in statement.names:
            path = dotted(alias.name)
            if alias.asname and alias.asname.name.value == name:
                return path
            if not alias.asname and path.split('.')[0] == name:
                return name
    elif isinstance(statement, cst.ImportFrom) and not statement.relative \
            and not isinstance(statement.names, cst.ImportStar):
        for alias in statement.names:
            if (alias.asname.name.value if alias.asname else alias.name.value) == name:
                return f'{dotted(statement.module)}.{alias.name.value}'
    return None


def every(node, kind):
    """All descendants of a kind, the node included."""
    if isinstance(node, kind):
        yield node
    for child in node.children:
        yield from every(child, kind)


def every_value(node):
    """a.b.c, a.b, a of an attribute chain."""
    while isinstance(node, cst.Attribute):
        yield node
        node = node.value


def guarded_statements(module):
    """Import statements inside `try` bodies: the script has its own answer to their failure."""
    return {statement for attempt in every(module, cst.Try)
            for statement in every(attempt.body, (cst.Import, cst.ImportFrom))}


def call(function, *values):
    args = [cst.Arg(value, comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(' ')))
                    for value in values[:-1]]
    return cst.Call(cst.parse_expression(function), [*args, cst.Arg(values[-1])])


def without_double_parentheses(node):
    """print((x)), as the translation of `print (x)` leaves it → print(x); print((x, y)) prints a tuple and
    stays.
    """
    only = node.args[0] if len(
        node.args) == 1 and not node.args[0].keyword and not node.args[0].star else None
    if (
        only is None
        or not getattr(only.value, 'lpar', ())
        or isinstance(only.value, (cst.Tuple, cst.GeneratorExp))
    ):
        return node
    return node.with_changes(
        args=[
            only.with_changes(
                value=only.value.with_changes(lpar=only.value.lpar[1:], rpar=only.value.rpar[1:])
            )
        ]
    )


def as_keyword(arg, name):
    return arg.with_changes(keyword=cst.Name(name),
                            equal=cst.AssignEqual(cst.SimpleWhitespace(''), cst.SimpleWhitespace('')))


def with_argument(node, name, value):
    args = list(node.args)
    args[-1] = with_comma(args[-1])
    return node.with_changes(args=[*args, as_keyword(cst.Arg(cst.parse_expression(value)), name)])


def with_comma(arg):
    return arg.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(' ')))


def clean_commas(items):
    """Items of a list of arguments or names with commas between them and none at the end."""
    items = [item if isinstance(item.comma, cst.Comma) else with_comma(item) for item in items]
    return [*items[:-1], items[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)] if items else items


def swapped(args):
    """The first two arguments exchanged; white space and comments stay where they are."""
    first, second, *rest = args
    return [first.with_changes(value=second.value), second.with_changes(value=first.value), *rest]


def floor_divide(operator):
    return cst.FloorDivide(operator.whitespace_before, operator.whitespace_after)


def bare(node):
    """An operand without its own parentheses, which an argument of a call does not need."""
    operation = isinstance(node, (cst.BinaryOperation, cst.UnaryOperation))
    return node.with_changes(lpar=[], rpar=[]) if operation else node
