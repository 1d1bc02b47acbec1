"""The only code that waits: resolver, TCP, TLS, the probe of an endpoint, and the gates before it."""
