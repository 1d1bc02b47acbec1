"""The scanner of mxsweep: DNS, SMTP and TLS probes, and their verdicts."""

__version__ = "0.2.0.dev0"
