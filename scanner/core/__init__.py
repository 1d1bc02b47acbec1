"""The rules of the scanner as pure functions: no clock, socket, randomness or log."""
