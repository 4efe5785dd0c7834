"""The exceptions that stand for a user's mistake, or for a disk that refuses."""


class UserError(Exception):
    """Something the user can put right: a flag, a file, a folder.

    The message is one line that says what is wrong and where, the value that was found, what was expected and
    what to type instead. Programs print it on stderr without a traceback and exit with `status`
    (1 for bad input, 2 for wrong usage such as an unknown flag).
    """

    def __init__(self, message, status=1):
        super().__init__(' '.join(str(message).split()) if '\n' not in str(message) else str(message))
        self.status = status


class DiskError(UserError):
    """A file could not be written: the disk is full or read-only, a quota is used up. What was there before is untouched."""
