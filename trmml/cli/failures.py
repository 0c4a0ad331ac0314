"""What went wrong, in one line that says which file it was and what to do."""

import errno
from typing import Final

__all__ = ["failure_line"]

_REMEDIES: Final = {
    errno.ENOSPC: "the disk is full; free some space, or write elsewhere",
    errno.EDQUOT: "your share of the disk is used up; free some space, or write elsewhere",
    errno.EFBIG: "the file grew larger than is allowed here; write elsewhere",
    errno.EACCES: "permission is denied; check whose it is, or choose another place",
    errno.EPERM: "permission is denied; check whose it is, or choose another place",
    errno.EROFS: "the disk cannot be written to; choose another place",
    errno.ENAMETOOLONG: "the name is too long for the disk; choose a shorter one",
    errno.EMFILE: "too many files are open; take fewer --workers, or raise `ulimit -n`",
    errno.ENFILE: "too many files are open on this machine; take fewer --workers",
    errno.EIO: "the disk cannot read or write it; check the disk",
    errno.ENOTDIR: "a part of the path is a file, not a folder; check the path",
    errno.ELOOP: "its links lead in a circle; check the path",
    errno.ENOENT: "there is nothing; check the path",
    errno.EISDIR: "this is a folder, not a file; check the path",
}
_FEWER_AT_ONCE: Final = (
    "take fewer images at once with --batch-size, or in training smaller parts of each step with "
    "--set recipe.gradient_accumulation_steps=4"
)


def failure_line(error: BaseException) -> str | None:
    """Return what to print of an error that a user can mend; None for a fault of the program.

    Args:
        error: Whatever ended a command.

    Examples:
        >>> failure_line(OSError(errno.ENOSPC, "No space left on device", "report.json"))
        'report.json: the disk is full; free some space, or write elsewhere.'
    """
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{_REMEDIES[error.errno]}."
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which a wrong call has not loaded
        return f"{str(error).partition('.')[0]}; {_FEWER_AT_ONCE}."
    if isinstance(error, MemoryError):
        return f"there is not enough memory; {_FEWER_AT_ONCE}."
    if isinstance(error, RecursionError):
        return "a file is nested too deeply to be read; check what the command was given."
    if isinstance(error, OverflowError):
        return f"a number is too large ({error}); check what the command was given."
    if isinstance(error, ValueError | OSError | FloatingPointError):
        return str(error) or type(error).__name__
    return None
