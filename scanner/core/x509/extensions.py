"""The certificate extensions that path checks and names need (RFC 5280 section 4.2), decoded leniently.

One broken extension spoils itself and no other: it is named in ``broken`` and its field stays at the value for
"absent". What is not here: name constraints are only noticed, OpenSSL applies them (see ``chain``).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from scanner.core.x509 import der, dn
from scanner.core.x509.der import TLV, DERError

_KEY_USAGE = "2.5.29.15"
_SUBJECT_KEY_ID = "2.5.29.14"
_ALT_NAME = "2.5.29.17"
_BASIC_CONSTRAINTS = "2.5.29.19"
_NAME_CONSTRAINTS = "2.5.29.30"
_AUTHORITY_KEY_ID = "2.5.29.35"
_EXT_KEY_USAGE = "2.5.29.37"
_NETSCAPE_TYPE = "2.16.840.1.113730.1.1"
_PROXY = "1.3.6.1.5.5.7.1.14"

_HANDLED = {
    _KEY_USAGE,
    _ALT_NAME,
    _BASIC_CONSTRAINTS,
    _NAME_CONSTRAINTS,
    _EXT_KEY_USAGE,
    _NETSCAPE_TYPE,
    _PROXY,
    "2.5.29.31",  # CRL distribution points
    "2.5.29.32",  # certificate policies
    "2.5.29.33",  # policy mappings
    "2.5.29.36",  # policy constraints
    "2.5.29.54",  # inhibit any policy
    "1.3.6.1.5.5.7.1.7",  # IP address blocks
    "1.3.6.1.5.5.7.1.8",  # AS numbers
    "1.3.6.1.5.5.7.48.1.5",  # OCSP no check
}
"""What may be critical without OpenSSL objecting; the key identifiers are not among them."""

DIGITAL_SIGNATURE, KEY_ENCIPHERMENT, KEY_AGREEMENT, KEY_CERT_SIGN = 0x80, 0x20, 0x08, 0x04
"""Bits of the first octet of keyUsage."""


@dataclass(frozen=True, slots=True)
class AuthorityKeyID:
    """RFC 5280 section 4.2.1.1: how an issuer wants to be told from others of its name."""

    key_id: bytes | None = None
    issuer: dn.Canonical | None = None
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class AltNames:
    """Subject alternative names: plain DNS names, addresses, and all others as ``type:value``."""

    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


@dataclass(slots=True)
class Extensions:
    """What the extensions say; None where one is absent."""

    is_ca: bool | None = None
    path_length: int | None = None
    key_usage: int | None = None
    netscape_type: int | None = None
    ext_key_usage: tuple[str, ...] | None = None
    subject_key_id: bytes | None = None
    authority: AuthorityKeyID = field(default_factory=AuthorityKeyID)
    alt_names: AltNames = field(default_factory=AltNames)
    name_constraints: bool = False
    proxy: bool = False
    unknown_critical: bool = False
    broken: tuple[str, ...] = ()


def decode(extensions: Iterable[TLV]) -> Extensions:
    """Decode the elements of the Extensions sequence.

    Returns:
        What could be read; the rest is named in ``broken``.
    """
    known = Extensions()
    for extension in extensions:
        try:
            oid, critical, value = _parts(extension)
        except DERError:
            known.broken += ("?",)
            continue
        known.unknown_critical |= critical and oid not in _HANDLED
        try:
            if oid in _DECODERS:
                _DECODERS[oid](known, der.read(value))
        except (DERError, ValueError):
            known.broken += (oid,)
    return known


def _parts(extension: TLV) -> tuple[str, bool, bytes]:
    parts = der.children(der.expect(extension, der.SEQUENCE))
    if len(parts) not in (2, 3):
        raise DERError("an extension has two or three parts")
    critical = len(parts) == 3 and der.boolean(parts[1])  # noqa: PLR2004 - oid, critical, value
    return der.oid(parts[0]), critical, der.expect(parts[-1], der.OCTET_STRING).content


def _basic_constraints(known: Extensions, value: TLV) -> None:
    parts = der.children(der.expect(value, der.SEQUENCE))
    is_ca = bool(parts) and parts[0].tag == der.BOOLEAN and der.boolean(parts[0])
    length = der.integer(parts[-1]) if parts and parts[-1].tag == der.INTEGER else None
    known.is_ca, known.path_length = is_ca, length


def _key_usage(known: Extensions, value: TLV) -> None:
    known.key_usage = int.from_bytes(der.bits(value)[:1])


def _netscape_type(known: Extensions, value: TLV) -> None:
    known.netscape_type = int.from_bytes(der.bits(value)[:1])


def _ext_key_usage(known: Extensions, value: TLV) -> None:
    known.ext_key_usage = tuple(der.oid(part) for part in der.children(der.expect(value, der.SEQUENCE)))


def _subject_key_id(known: Extensions, value: TLV) -> None:
    known.subject_key_id = der.expect(value, der.OCTET_STRING).content


def _authority_key_id(known: Extensions, value: TLV) -> None:
    parts = {part.tag: part for part in der.children(der.expect(value, der.SEQUENCE))}
    key_id, issuer, serial = (parts.get(tag) for tag in (0x80, 0xA1, 0x82))
    known.authority = AuthorityKeyID(
        key_id=key_id.content if key_id else None,
        issuer=_directory_name(issuer) if issuer else None,
        serial=int.from_bytes(serial.content, signed=True) if serial else None,
    )


def _directory_name(names: TLV) -> dn.Canonical | None:
    found = (name for name in der.children(names) if name.tag == _DIRECTORY)
    return next((dn.canonical(der.read(name.content)) for name in found), None)


def _name_constraints(known: Extensions, _value: TLV) -> None:
    known.name_constraints = True


def _proxy(known: Extensions, _value: TLV) -> None:
    known.proxy = True


# --- alternative names ----------------------------------------------------------------------------------------

_VISIBLE = re.compile(rb"[!-~]+")

_DNS, _IP, _DIRECTORY = 0x82, 0x87, 0xA4
_ODD_TYPES = {
    0xA0: "othername",
    0x81: "email",
    _DNS: "dns",
    0xA3: "x400",
    _DIRECTORY: "dirname",
    0xA5: "ediparty",
    0x86: "uri",
    _IP: "ip",
    0x88: "rid",
}


def _alt_names(known: Extensions, value: TLV) -> None:
    names = der.children(der.expect(value, der.SEQUENCE))
    known.alt_names = AltNames(
        dns=tuple(n.content.decode("ascii") for n in names if _plain_dns(n)),
        ips=tuple(str(ip_address(n.content)) for n in names if _plain_ip(n)),
        odd=tuple(_odd(n) for n in names if not _plain_dns(n) and not _plain_ip(n)),
    )


def _plain_dns(name: TLV) -> bool:
    """A dNSName of visible ASCII; a NUL or an umlaut makes it odd."""
    return name.tag == _DNS and _VISIBLE.fullmatch(name.content) is not None


def _plain_ip(name: TLV) -> bool:
    return name.tag == _IP and len(name.content) in (4, 16)


def _odd(name: TLV) -> str:
    return f"{_ODD_TYPES.get(name.tag, f'tag {name.tag:#04x}')}:{_odd_value(name)}"


def _odd_value(name: TLV) -> str:
    if name.tag == _DIRECTORY:
        try:
            return dn.one_line(der.read(name.content))
        except DERError:
            pass  # shown as octets, then
    return dn.escaped(name.content)


_DECODERS: dict[str, Callable[[Extensions, TLV], None]] = {
    _KEY_USAGE: _key_usage,
    _SUBJECT_KEY_ID: _subject_key_id,
    _ALT_NAME: _alt_names,
    _BASIC_CONSTRAINTS: _basic_constraints,
    _NAME_CONSTRAINTS: _name_constraints,
    _AUTHORITY_KEY_ID: _authority_key_id,
    _EXT_KEY_USAGE: _ext_key_usage,
    _NETSCAPE_TYPE: _netscape_type,
    _PROXY: _proxy,
}
