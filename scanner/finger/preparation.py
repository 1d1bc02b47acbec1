"""Preparation of a finger run: trust files, client certificate, digest algorithms and key exchange groups.

As in posttls-finger, errors in the settings of a run are printed before the destination is looked up. After the first
error in a TLS setting, finger continues without TLS.
"""

import hashlib
import re
import socket
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.core import tlsa
from scanner.facts import TLSARecord
from scanner.finger import fingerprints, log_keywords, raw_keys, tls_offer
from scanner.finger.finger_ports import FingerPorts
from scanner.finger.log_keywords import LogMask, complaint, tls_start
from scanner.finger.options import Options, utf8_enabled
from scanner.finger.output import Output
from scanner.settings import TLSProfile
from scanner.vocabulary import Level

if TYPE_CHECKING:
    from scanner.core.pkix import TrustStore
    from scanner.net.tls import Identity

_MD5_NOTICE = (
    "using backwards-compatible default setting smtp_tls_fingerprint_digest=md5 to compute certificate fingerprints"
)


@dataclass(frozen=True, slots=True)
class Setup:
    """The options of a finger run, and the settings and resources that are derived from the options.

    ``trust`` contains the trusted roots of ``-F`` and ``-P``, and ``anchors`` contains the trust anchors of ``-A``.
    ``tls`` enables TLS. ``mask`` selects the TLS log lines to print, ``identity`` is the client certificate, and
    ``digests`` contains the enabled digests of TLSA records, strongest first. ``raw_keys`` enables requests for raw
    public keys.
    """

    options: Options
    trust: "TrustStore | None"
    anchors: tuple[TLSARecord, ...]
    tls: bool
    ehlo: str
    mask: LogMask
    ports: FingerPorts
    output: Output
    identity: "Identity | None" = None
    digests: tuple[str, ...] = tlsa.DIGESTS
    raw_keys: bool = False


def prepare(options: Options, ports: FingerPorts, output: Output) -> Setup:
    """Return the setup of a finger run, and print the warnings about the settings of the run.

    An unknown keyword in the ``-L`` list is reported each time that posttls-finger parses the list: twice with the
    options, and twice more with TLS.
    """
    output.lines(*complaint(options.log) * 2)
    output.ascii_only = not utf8_enabled(options)
    setup = Setup(
        options=options,
        trust=None,
        anchors=(),
        tls=True,
        ehlo=options.parameters.get("myhostname") or socket.gethostname(),
        mask=log_keywords.parse(options.log)[0],
        ports=ports,
        output=output,
    )
    setup = _with_tls(setup)
    if options.matches and not options.level.must_match:
        output.line(f"warning: TLS level '{options.level}' does not implement certificate matching")
    if options.level is Level.FINGERPRINT:
        notice = [_MD5_NOTICE] if options.default_digest and options.digest == "md5" else []
        output.lines(*fingerprints.input_lines(options.matches, records=_shows_records(setup), notice=notice))
    return setup


def _shows_records(setup: Setup) -> bool:
    return bool(setup.mask & (LogMask.DANE | LogMask.VERBOSE))


def _with_tls(setup: Setup) -> Setup:
    """Return the setup with the files and parameters for TLS; after the first error, return a setup without TLS."""
    options, output = setup.options, setup.output
    if _names_files(options):
        from scanner.finger import client_certificate, trust_files  # noqa: PLC0415 - slow to load, rarely needed

        anchors, lines = trust_files.anchors(options)
        setup = replace(setup, anchors=anchors)
        output.lines(*(lines if _shows_records(setup) else ()))
    if options.level is Level.NONE:
        return setup
    output.lines(*tls_start(options.log))
    if LogMask.TRACE in setup.mask:
        output.line("warning: the TLS library has no trace (-L trace); use -L ssl-session-packet-dump")
    if not _known_digest(options, output):
        return replace(setup, tls=False)
    setup = replace(setup, digests=_tlsa_digests(options, output))
    for name in tls_offer.OPTIONS:
        output.lines(*tls_offer.bits(options.parameters, name)[1])
    if _names_files(options):
        trust, lines = trust_files.roots(options)
        shown = (
            client_certificate.load(options) if trust is not None else client_certificate.ClientCertificate(tls=False)
        )
        output.lines(*lines, *shown.lines)
        setup = replace(setup, trust=trust, identity=shown.identity, tls=shown.tls)
    if setup.tls:
        output.lines(*_groups(options))
        setup = _with_raw_keys(setup)
    return setup


def _names_files(options: Options) -> bool:
    authorities = options.ca_file or options.ca_path or options.anchors
    return bool(authorities or options.chains or options.certificate)


# --- other settings -------------------------------------------------------------------------------------------


def _known_digest(options: Options, output: Output) -> bool:
    try:
        hashlib.new(options.digest)
    except ValueError:
        output.lines(f'warning: Digest algorithm "{options.digest}" not found', "warning: disabling TLS support")
        return False
    return True


def _tlsa_digests(options: Options, output: Output) -> tuple[str, ...]:
    """Return the TLSA digests that ``tls_dane_digests`` enables, without digests of a non-standard matching type."""
    numbers = {"sha256": tlsa.SHA256, "sha512": tlsa.SHA512}
    found = []
    for word in re.split(r"[,\s]+", options.parameters.get("tls_dane_digests", "sha512 sha256")):
        name, equals, number = word.lower().partition("=")
        if name in numbers and (not equals or number == str(numbers[name])):
            found.append(name)
        elif name not in numbers and not equals:
            output.line(f"warning: tls_dane_digests: digest algorithm {name} needs an explicit number")
    return tuple(found)


def _groups(options: Options) -> list[str]:
    """Remove the key exchange groups that OpenSSL does not know from ``options``; return a warning for each of them."""
    wanted = tls_offer.groups(options.parameters)
    if not wanted:
        return []
    from scanner.net.tls import context_for  # noqa: PLC0415 - slow to load, and mostly not needed

    known, lines = [], []
    for name in wanted:
        try:
            context_for(TLSProfile(f"group {name}", "ALL", security_level=0, groups=name))
        except ValueError:
            lines.append(f'warning: ignoring unknown key exchange group "{name}"')
        else:
            known.append(name)
    if lines:
        options.parameters.update({"tls_eecdh_auto_curves": " ".join(known), "tls_ffdhe_auto_groups": ""})
    return lines


def _with_raw_keys(setup: Setup) -> Setup:
    """Enable requests for raw public keys (``-x``), or print why the run cannot request raw public keys."""
    if not raw_keys.has_effect(setup.options):
        return setup
    problem = raw_keys.problem(setup.options)
    if problem is None:
        sys.stderr.write(raw_keys.NOTE)
    elif problem:
        setup.output.line(problem)
    return replace(setup, raw_keys=problem is None)
