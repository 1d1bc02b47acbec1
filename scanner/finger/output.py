"""The output of finger: lines on stdout, each with the program's name before it, each flushed."""

import sys

_TROUBLES = ("warning: ", "fatal: ")


class Output:
    """The lines of a run, printed as posttls-finger prints them.

    The chain (``-C``) carries no program name. On a terminal it is printed in sequence; on a pipe or file it comes
    after all lines, because posttls-finger buffers it separately.
    """

    def __init__(self, program: str, *, troubles_only: bool = False) -> None:
        """Print for a program of this name; ``troubles_only`` prints only warnings, on stderr."""
        self._program = program
        self._troubles_only = troubles_only
        self._held: list[str] = []
        self.printed: list[str] = []
        """Every line and block so far, without the program's name."""

    def line(self, text: str) -> None:
        """Print a line."""
        self.printed.append(text)
        stream = sys.stderr if self._troubles_only else sys.stdout
        if not self._troubles_only or text.startswith(_TROUBLES):
            stream.write(f"{self._program}: {text}\n")
            stream.flush()

    def lines(self, *texts: str) -> None:
        """Print lines."""
        for text in texts:
            self.line(text)

    def block(self, text: str) -> None:
        """Print text without the program's name, at once or at the end."""
        self.printed.append(text)
        if self._troubles_only:
            return
        if sys.stdout.isatty():
            sys.stdout.write(text)
        else:
            self._held.append(text)

    def close(self) -> None:
        """Print the blocks that were held back."""
        sys.stdout.write("".join(self._held))
        sys.stdout.flush()
        self._held.clear()
