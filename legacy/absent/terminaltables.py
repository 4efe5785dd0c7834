"""terminaltables: rows of text in columns, with a line below the first row."""
from legacy.absent import stub_parts


class AsciiTable:
    """`.table` is the text of `table_data`, a list of rows."""

    def __init__(self, table_data, title=None):
        self.table_data, self.title = table_data, title
        self.inner_heading_row_border, self.inner_row_border, self.justify_columns = True, False, {}

    @property
    def table(self):
        rows = [[str(cell) for cell in row] for row in self.table_data]
        widths = [max(map(len, column)) for column in zip(*rows)]
        line = '+' + '+'.join('-' * (width + 2) for width in widths) + '+'
        body = ['| ' + ' | '.join(cell.ljust(width)
                                  for cell, width in zip(row, widths)) + ' |' for row in rows]
        if self.inner_heading_row_border and len(body) > 1:
            body.insert(1, line)
        return '\n'.join([line if not self.title else self.title, *body, line])


SingleTable = DoubleTable = GithubFlavoredMarkdownTable = AsciiTable
__getattr__ = stub_parts.missing('terminaltables')
