"""mxsweep's scanner: DNS, SMTP, TLS and the judgement of what they said."""

__version__ = "0.1.0"
