"""Network input and output: DNS resolver, TCP, TLS, the probe of an endpoint, and limits on connections."""
