"""A small mail internet of real parts: see README.md in this folder."""
