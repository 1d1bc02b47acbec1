"""One line of every file of a run, with every member filled, as it has to be read for ever."""
