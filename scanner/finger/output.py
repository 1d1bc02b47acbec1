"""The output of finger: lines on stdout with the program's name as a prefix, with a flush after each line."""

import re
import sys

_TROUBLES = ("warning: ", "fatal: ")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")


class Output:
    """Printer of the lines of a run of ``mxsweep finger`` in the format of posttls-finger.

    The certificate chain (``-C``) is printed without the program's name. On a terminal, the certificate chain is
    printed between the other lines. On a pipe or file, the certificate chain is printed after all lines, because
    posttls-finger buffers the chain separately.
    """

    def __init__(self, program: str, *, troubles_only: bool = False) -> None:
        """Set the program's name; with ``troubles_only``, only warnings and fatal errors are printed, on stderr."""
        self._program = program
        self._troubles_only = troubles_only
        self.ascii_only = False
        """True if each octet of a non-ASCII character is printed as ``?``, as with ``smtputf8_enable=no``."""
        self._held: list[str] = []
        self.printed: list[str] = []
        """All lines and text blocks printed so far, without the program's name."""

    def line(self, text: str) -> None:
        """Print one line with the program's name as a prefix; Postfix prints an unprintable character as ``?``."""
        text = _UNPRINTABLE.sub("?", text)
        if self.ascii_only and not text.isascii():
            text = _NOT_ASCII.sub("?", text.encode("utf-8", "surrogateescape").decode("latin-1"))
        self.printed.append(text)
        stream = sys.stderr if self._troubles_only else sys.stdout
        if not self._troubles_only or text.startswith(_TROUBLES):
            stream.write(f"{self._program}: {text}\n")
            stream.flush()

    def lines(self, *texts: str) -> None:
        """Print lines, each with the program's name as a prefix."""
        for text in texts:
            self.line(text)

    def block(self, text: str) -> None:
        """Print a text block without the program's name: on a terminal at once, otherwise in ``close``."""
        self.printed.append(text)
        if self._troubles_only:
            return
        if sys.stdout.isatty():
            sys.stdout.write(text)
        else:
            self._held.append(text)

    def close(self) -> None:
        """Print the buffered text blocks."""
        sys.stdout.write("".join(self._held))
        sys.stdout.flush()
        self._held.clear()
