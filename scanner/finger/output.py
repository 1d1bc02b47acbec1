"""Where finger's lines go: stdout, each with the program's name before it, each flushed."""

import sys

_TROUBLES = ("warning: ", "fatal: ")


class Output:
    """Prints lines as posttls-finger does.

    The chain (``-C``) carries no prefix. On a terminal it comes in sequence; on a pipe or file it comes after all
    lines, as the real program's second buffer has it.
    """

    def __init__(self, program: str, *, troubles_only: bool = False) -> None:
        """Print for a program of this name; ``troubles_only`` prints warnings alone, and those to stderr."""
        self._program = program
        self._troubles_only = troubles_only
        self._held: list[str] = []
        self.printed: list[str] = []
        """Every line so far, and every block, without the program's name."""

    def line(self, text: str) -> None:
        """Print a line."""
        self.printed.append(text)
        stream = sys.stderr if self._troubles_only else sys.stdout
        if not self._troubles_only or text.startswith(_TROUBLES):
            stream.write(f"{self._program}: {text}\n")
            stream.flush()

    def block(self, text: str) -> None:
        """Print text without prefix, now or at the end."""
        self.printed.append(text)
        if self._troubles_only:
            return
        if sys.stdout.isatty():
            sys.stdout.write(text)
        else:
            self._held.append(text)

    def close(self) -> None:
        """Print what was held back."""
        sys.stdout.write("".join(self._held))
        sys.stdout.flush()
        self._held.clear()
