"""Rules about X.509 certificates: DER decoding, names, keys, extensions, chains and path checks."""
