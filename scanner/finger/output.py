"""Where finger's lines go: stdout, each with the program's name before it, each flushed."""

import sys


class Output:
    """Prints lines as posttls-finger does.

    The chain (``-C``) carries no prefix. On a terminal it comes in sequence; on a pipe or file it comes after all
    lines, as the real program's second buffer has it.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._held: list[str] = []

    def line(self, text: str) -> None:
        """Print a line."""
        sys.stdout.write(f"{self._program}: {text}\n")
        sys.stdout.flush()

    def block(self, text: str) -> None:
        """Print text without prefix, now or at the end."""
        if sys.stdout.isatty():
            sys.stdout.write(text)
        else:
            self._held.append(text)

    def close(self) -> None:
        """Print what was held back."""
        sys.stdout.write("".join(self._held))
        sys.stdout.flush()
        self._held.clear()
