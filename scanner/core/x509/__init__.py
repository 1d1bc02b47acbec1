"""X.509 certificates as octets and facts: DER, names, keys, extensions, chains and path checks."""
