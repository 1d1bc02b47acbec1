"""The cipher grades of Postfix 3.8 and later (smtp_tls_ciphers of postconf(5)) as OpenSSL cipher lists."""

EXCLUDED = "!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5"
"""Exclusions of the cipher suites that no cipher grade of Postfix offers, as items of an OpenSSL cipher list."""

MEDIUM = f"aNULL:-aNULL:HIGH:MEDIUM:{EXCLUDED}:+RC4:@STRENGTH"
"""OpenSSL cipher list of the grade ``medium`` of Postfix 3.8 and later.

``medium`` is Postfix's default grade at every TLS security level.
"""

GRADES = {
    "high": ("tls_high_cipherlist", f"aNULL:-aNULL:HIGH:{EXCLUDED}:@STRENGTH"),
    "medium": ("tls_medium_cipherlist", MEDIUM),
    "null": ("tls_null_cipherlist", "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL"),
}
"""For each cipher grade of Postfix 3.8 and later: the main.cf parameter for its cipher list, and the default list."""
