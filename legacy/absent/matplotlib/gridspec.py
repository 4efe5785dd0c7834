"""GridSpec: where each axes of a grid lies in the figure."""


class SubplotSpec:
    """Rows and columns [row0, row1) × [col0, col1) of a grid."""

    def __init__(self, grid, rows, cols):
        self.grid, self.rows, self.cols = grid, rows, cols


class GridSpec:
    """rows × cols cells; wspace and hspace are the gaps as a fraction of a cell."""

    def __init__(self, nrows, ncols, figure=None, wspace=0.2, hspace=0.2, **kwargs):
        self.nrows, self.ncols = int(nrows), int(ncols)
        self.wspace, self.hspace = wspace, hspace

    def update(self, wspace=None, hspace=None, **kwargs):
        self.wspace = self.wspace if wspace is None else wspace
        self.hspace = self.hspace if hspace is None else hspace

    def __len__(self):
        return self.nrows * self.ncols

    def __getitem__(self, key):
        if isinstance(key, tuple):
            rows, cols = key
        else:
            if not -len(self) <= int(key) < len(self):
                raise IndexError('GridSpec index out of range')
            rows, cols = divmod(int(key) % len(self), self.ncols)
        return SubplotSpec(self, _span(rows, self.nrows), _span(cols, self.ncols))

    def tight_layout(self, *args, **kwargs):
        """Already as tight as it gets."""


class GridSpecFromSubplotSpec(GridSpec):
    """A grid inside a cell; laid out over the whole figure."""

    def __init__(self, nrows, ncols, subplot_spec=None, **kwargs):
        super().__init__(nrows, ncols, **kwargs)


def _span(index, size):
    if isinstance(index, slice):
        start, stop, _ = index.indices(size)
        return start, stop
    return index % size, index % size + 1
