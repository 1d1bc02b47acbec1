"""The scanner of mxsweep: DNS, SMTP and TLS probes, and their verdicts."""

__version__ = "0.1.0"
