"""One line of every file of a run with every member filled; later versions have to read it."""
