"""Pure: values in, values out. No clock, no socket, no randomness, no log."""
