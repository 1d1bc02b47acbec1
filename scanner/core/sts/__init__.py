"""MTA-STS (RFC 8461) and TLSRPT (RFC 8460) without input and output: records, policies and verdicts."""
