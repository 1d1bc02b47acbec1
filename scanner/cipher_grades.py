"""The cipher grades of Postfix 3.8 and later (smtp_tls_ciphers of postconf(5)) as OpenSSL cipher lists."""

EXCLUDED = "!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5"
"""Suites that no cipher grade of Postfix offers."""

MEDIUM = f"aNULL:-aNULL:HIGH:MEDIUM:{EXCLUDED}:+RC4:@STRENGTH"
"""Postfix's cipher grade ``medium`` since version 3.8, the default grade of Postfix for every level."""

GRADES = {
    "high": ("tls_high_cipherlist", f"aNULL:-aNULL:HIGH:{EXCLUDED}:@STRENGTH"),
    "medium": ("tls_medium_cipherlist", MEDIUM),
    "null": ("tls_null_cipherlist", "eNULL:!kDH:!kECDH:!aDSS:!MD5:!aNULL"),
}
"""Cipher grades of Postfix 3.8 and later: for each grade, its overriding parameter and its default cipher list."""
