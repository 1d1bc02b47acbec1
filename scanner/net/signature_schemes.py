"""Signature schemes of TLS, read from handshake messages (RFC 8446 section 4.4.3, RFC 5246 section 7.4.3)."""

_SCHEMES = {
    0x0201: "rsa_pkcs1_sha1",
    0x0203: "ecdsa_sha1",
    0x0401: "rsa_pkcs1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
    0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384",
    0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
    0x0904: "mldsa44",
    0x0905: "mldsa65",
    0x0906: "mldsa87",
}
"""Names of the IANA registry "TLS SignatureScheme" by number; a scheme without a name is represented by its number."""

_CERTIFICATE_VERIFY = b"\x0f"
_HEADER = 4  # type and length of a handshake message


def scheme_of(message: bytes, version: str, cipher: str) -> str | None:
    """Return the IANA name of the signature scheme in a CertificateVerify or ServerKeyExchange message.

    Return None for an anonymous or RSA key exchange and for a version before TLS 1.2, which have no signature scheme.
    """
    if message[:1] == _CERTIFICATE_VERIFY and version == "TLSv1.3":
        at = _HEADER
    elif version == "TLSv1.2" and cipher.startswith("ECDHE-"):
        at = _HEADER + 4 + int.from_bytes(message[_HEADER + 3 : _HEADER + 4])  # kind, curve, point with its length
    elif version == "TLSv1.2" and cipher.startswith("DHE-"):
        at = _HEADER
        for _ in ("prime", "generator", "public value"):
            at += 2 + int.from_bytes(message[at : at + 2])
    else:
        return None
    number = int.from_bytes(message[at : at + 2])
    if at + 2 > len(message):
        return None
    return _SCHEMES.get(number, f"0x{number:04x}")
