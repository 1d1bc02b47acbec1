"""The rules of the scanner as pure functions, which use no clock, socket, randomness or log."""
