"""OpenSSL's judgement of a case: every error through the verify callback of a handshake, as Postfix collects them."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from OpenSSL import SSL, crypto

from scanner.core.x509 import der, openssl
from tests.differential.chains import NOW, ChainCase

Found = tuple[int, int]
Heard = Callable[[SSL.Connection, crypto.X509, int, int, int], bool]


@dataclass(frozen=True)
class Opinion:
    """The errors of a chain, nearest to the leaf first, each number and depth once."""

    errors: tuple[Found, ...]

    @property
    def first(self) -> Found | None:
        """The error that Postfix reports."""
        return self.errors[0] if self.errors else None


def in_order(errors: list[Found]) -> tuple[Found, ...]:
    return tuple(sorted(dict.fromkeys(errors), key=lambda found: found[1]))


def usable(case: ChainCase) -> bool:
    """Return True if OpenSSL reads every certificate: others never reach a verdict, the handshake fails before."""
    return all(map(openssl.encoded, (*case.chain, *case.roots)))


def by_handshake(case: ChainCase, level: int) -> Opinion | None:
    """Show a chain to a client of the same OpenSSL in memory; None if TLS itself refuses the leaf.

    Args:
        case: the chain and the trusted certificates.
        level: the client's security level.
    """
    found: list[Found] = []

    def heard(_connection: SSL.Connection, _cert: crypto.X509, num: int, depth: int, ok: int) -> bool:
        if not ok:
            found.append((num, depth))
        return True

    try:
        client = _client(case, level, heard)
        server = SSL.Connection(_server(case), None)
        server.set_accept_state()
        _shake(client, server)
    except (SSL.Error, crypto.Error):
        return None
    return Opinion(in_order(found))


def _client(case: ChainCase, level: int, heard: Heard) -> SSL.Connection:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=%d" % level)
    store = context.get_cert_store()
    assert store is not None
    for root in case.roots:
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, root))
    store.set_time(NOW)
    context.set_verify_depth(10)
    context.set_verify(SSL.VERIFY_PEER, heard)
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    return connection


def _server(case: ChainCase) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    leaf, *others = (crypto.load_certificate(crypto.FILETYPE_ASN1, octets) for octets in case.chain)
    context.use_certificate(leaf)
    context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, case.key_pem))
    for other in others:
        context.add_extra_chain_cert(other)
    return context


def _shake(client: SSL.Connection, server: SSL.Connection) -> None:
    for _ in range(10):
        done = 0
        for end, other in ((client, server), (server, client)):
            with suppress(SSL.WantReadError):
                end.do_handshake()
                done += 1
            with suppress(SSL.WantReadError):
                other.bio_write(end.bio_read(1 << 20))
        if done == 2:
            return
    raise SSL.Error("no end of the handshake")


def pem(octets: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(octets).encode()


def normal(octets: bytes) -> bytes:
    """Return a certificate as a TLS client gets it."""
    return openssl.encoded(octets) or der.read(octets).raw
