"""Our path check against OpenSSL's over random cases: equal in acceptance, first error and depth, or explained."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from scanner.core import dane, pkix, tlsa
from scanner.core.pkix import TrustStore
from scanner.core.x509 import issuing, openssl, synthetic
from scanner.core.x509.chain import readable
from scanner.core.x509.facts import facts
from scanner.core.x509.openssl import VerifyFlags
from scanner.core.x509.verify_error import VerifyError
from scanner.facts import TLSARecord
from tests.differential import chains, faults, judges, program
from tests.differential.chains import NOW, ChainCase
from tests.differential.judges import Found
from tests.differential.neighbours import NEIGHBOURS
from tests.differential.program import Shown

DRAFTED = (*faults.DRAFTED, *NEIGHBOURS)
"""The faults of certificates in random chains."""


@dataclass(frozen=True)
class Difference:
    """A case on which the two do not agree."""

    case: ChainCase
    level: int
    ours: tuple[Found, ...]
    theirs: tuple[Found, ...]
    program: bool = False
    records: str = ""

    def __str__(self) -> str:
        shown = [
            " ".join(f"{num}@{depth}" for num, depth in errors) or "accepted" for errors in (self.ours, self.theirs)
        ]
        named = "+".join(self.case.faults) or "no fault"
        return f"seed {self.case.seed} {named} [{self.records}]: ours {shown[0]}, OpenSSL {shown[1]}"


def _text(errors: tuple[Found, ...]) -> str:
    return " ".join(f"{num}@{depth}" for num, depth in errors) or "accepted"


@dataclass
class Tally:
    """The counts of a comparison."""

    judged: int = 0
    accepted: int = 0
    undecodable: int = 0
    refused_by_tls: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.judged} judged, {self.accepted} accepted by both, {self.undecodable} that OpenSSL cannot read, "
            f"{self.refused_by_tls} that TLS refuses, {sum(self.explained.values())} explained, "
            f"{len(self.differences)} unexplained differences"
        )


def paths(seeds: Iterable[int], *, rare_keys: bool = True) -> Tally:
    """Compare the path checks of many cases."""
    tally = Tally()
    for seed in seeds:
        case = chains.make(seed, DRAFTED, faults.ARRANGED, rare_keys=rare_keys)
        if not judges.usable(case):
            tally.undecodable += 1
            continue
        judgement = judges.by_handshake(case, seed % 2)
        if judgement is None:
            tally.refused_by_tls += 1
        else:
            _add(tally, Difference(case, seed % 2, ours(case, seed % 2), judgement.errors))
    return tally


def ours(case: ChainCase, level: int) -> tuple[Found, ...]:
    """Return our errors, nearest to the leaf first."""
    certificates = [facts(judges.normal(octets)) for octets in case.chain]
    evidence = pkix.verify(certificates, _store(case.roots), NOW, security_level=level)
    return judges.in_order([(int(error.num), error.depth) for error in evidence.errors])


def _store(roots: Iterable[bytes]) -> TrustStore:
    return TrustStore.from_pem(*map(judges.pem, roots))


def _add(tally: Tally, found: Difference) -> None:
    tally.judged += 1
    if found.ours[:1] == found.theirs[:1]:
        tally.accepted += not found.ours
        return
    reason = explanation(found)
    if reason:
        tally.explained[reason] += 1
    else:
        tally.differences.append(found)


def explanation(found: Difference) -> str:
    """Return why a case may differ, empty if nothing explains it."""
    return next((reason for reason, applies in EXPLANATIONS.items() if applies(found)), "")


def _alike(found: Difference) -> bool:
    """Return True if the first errors are equal, or differ for a reason that may occur together with another one."""
    return found.ours[:1] == found.theirs[:1] or _unread_parameters(found)


def _beyond_the_first(found: Difference) -> bool:
    rest = tuple(error for error in found.theirs if error[0] != VerifyError.UNNESTED_RESOURCE)
    without = replace(found, theirs=rest)
    return bool(found.ours) and rest != found.theirs and (_alike(without) or _last_second(without))


def _taken_for_one(found: Difference) -> bool:
    """Return True if OpenSSL 3 agrees with us about a case in which OpenSSL 4 takes two certificates for one."""
    if found.program or not _namesakes(found.case):
        return False
    rest = _without_unused(found.case)
    shown = program.judge(rest, (program.by_store(rest),))
    if shown is None:
        return False
    other = replace(found, level=1, ours=ours(found.case, 1), theirs=shown[0].errors, program=True)
    return _alike(other) or _beyond_the_first(other)


def _namesakes(case: ChainCase) -> set[bytes]:
    """Return the certificates that share issuer name and serial number with another certificate of the case."""
    named: dict[tuple[object, bytes], set[bytes]] = defaultdict(set)
    for cert in readable([facts(judges.normal(octets)) for octets in (*case.chain, *case.roots, *case.every)]):
        named[cert.issuer_key, cert.serial].add(cert.der)
    return {octets for group in named.values() if len(group) > 1 for octets in group}


def _between_releases(found: Difference) -> bool:
    if not (found.program and found.ours and found.theirs):
        return False
    library = judges.by_handshake(found.case, found.level)
    if library is None or not library.errors:
        return False
    other = replace(found, theirs=library.errors, program=False)
    return _alike(other) or _beyond_the_first(other) or _last_second(other)


def _bare_key(found: Difference) -> bool:
    """Return True if OpenSSL finds no issuer of the leaf, even one that has the key of a matching 2 1 0 record."""
    no_issuer = (int(VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY), 0)
    if not found.program or found.theirs or "2 1 0" not in found.records or no_issuer not in found.ours:
        return False
    (leaf,) = readable([facts(judges.normal(found.case.chain[0]))])
    kinds = {record: (record.usage, record.selector, record.matching_type) for record in records(found.case)}
    keys = [bytes.fromhex(record.data) for record, kind in kinds.items() if kind == (2, 1, 0)]
    lenient = VerifyFlags.PARTIAL_CHAIN | VerifyFlags.IGNORE_CRITICAL | VerifyFlags.ALLOW_PROXY_CERTS
    answers = [openssl.ask(leaf.der, (), (synthetic.issuer(leaf, key),), lenient) for key in keys]
    return all(answer.num == VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY for answer in answers)


def _mixed_root(found: Difference) -> bool:
    """Return True if OpenSSL 3 agrees without the certificates that OpenSSL 4 never uses."""
    case, no_issuer = found.case, (int(VerifyError.UNABLE_TO_GET_ISSUER_CERT_LOCALLY), 0)
    unused = _unused(case)
    if not (found.program and found.ours and unused):
        return False
    if judges.normal(case.chain[0]) in unused:
        return no_issuer in found.ours
    rest = _without_unused(case)
    options = program.by_records(records(case)) if found.records else program.by_store(rest)
    shown = program.judge(rest, (options,))
    if shown is None:
        return False
    without = replace(found, theirs=_named_apart(shown[0]))
    return _alike(without) or _beyond_the_first(without)


def _unused(case: ChainCase) -> set[bytes]:
    return {octets for octets in _namesakes(case) if _mixed(octets)}


def _without_unused(case: ChainCase) -> ChainCase:
    """Return a case without the certificates that OpenSSL 4 never uses; the leaf remains."""
    unused, (leaf, *others) = _unused(case), case.chain
    kept = [tuple(octets for octets in group if judges.normal(octets) not in unused) for group in (others, case.roots)]
    return replace(case, chain=(leaf, *kept[0]), roots=kept[1])


def _mixed(octets: bytes) -> bool:
    """Return True for a self-issued certificate whose signature algorithm is not one of its kind of key."""
    return any(
        cert.self_issued
        and not issuing.self_signed(cert)
        and not (cert.claimed.kind and issuing.fits(cert.claimed.kind, cert.key.kind))
        for cert in readable([facts(octets)])
    )


def _overflowing(found: Difference) -> bool:
    certificates = readable([facts(judges.normal(octets)) for octets in (*found.case.every, *found.case.roots)])
    return bool(found.ours) and any(cert.extensions.overflowing for cert in certificates)


def _unread_parameters(found: Difference) -> bool:
    (ours, depth), *_ = found.ours or ((0, 0),)
    weak = ours == VerifyError.CA_MD_TOO_WEAK and found.theirs[:1] == (
        (int(VerifyError.CERT_SIGNATURE_FAILURE), depth),
    )
    certificates = readable([facts(judges.normal(octets)) for octets in (*found.case.chain, *found.case.every)])
    return weak and any((cert.algorithm.kind, cert.algorithm.digest) == ("RSA-PSS", "") for cert in certificates)


def _last_second(found: Difference) -> bool:
    expired = [facts(judges.normal(octets)) for octets in (*found.case.chain, *found.case.roots)]
    rest = tuple(error for error in found.ours if error[0] != VerifyError.CERT_HAS_EXPIRED)
    return rest != found.ours and any(cert.not_after == NOW for cert in expired) and _alike(replace(found, ours=rest))


EXPLANATIONS: dict[str, Callable[[Difference], bool]] = {
    "both releases of OpenSSL refuse the chain, with different errors; ours is that of the library": _between_releases,
    "a 2 1 0 key over a certificate that OpenSSL otherwise never uses: its DANE code accepts, we never do": _bare_key,
    "a self-issued certificate with another's issuer and serial number and an algorithm of another kind of key: "
    "OpenSSL 4 does not use it, OpenSSL 3 does": _mixed_root,
    "RFC 3779 resources are checked by OpenSSL alone, which stops at its first error here": _beyond_the_first,
    "two certificates of one issuer name and serial number: OpenSSL 4 takes them for one, OpenSSL 3 and we do not": (
        _taken_for_one
    ),
    "a path length of 2**63 or more: OpenSSL reads no limit, we never use the certificate": _overflowing,
    "PSS parameters that OpenSSL cannot decode: OpenSSL 3 and we report a weak digest first, OpenSSL 4 the signature": (
        _unread_parameters
    ),
    "notAfter is this very second: OpenSSL 4 still accepts it, OpenSSL 3 and we do not": _last_second,
}
"""Differences with a reason, by the reason."""


# --- DANE -----------------------------------------------------------------------------------------------------


def records(case: ChainCase) -> tuple[TLSARecord, ...]:
    """Return one to three random TLSA records, most of them about a certificate of the chain."""
    chance = random.Random(case.seed)
    found = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        usage, selector = chance.choice((2, 2, 2, 3)), chance.choice((0, 1, 1))
        matching_type = chance.choice((1, 1, 1, 2, 0))
        about = facts(
            judges.normal(chance.choice(case.every[1:] if usage == 2 and chance.random() < 0.8 else case.every))
        )
        data = dane.association(about, selector, matching_type)
        if chance.random() < 0.15 and matching_type and data:  # the key of a certificate may be unreadable
            data = f"{int(data[:1], 16) ^ 1:x}{data[1:]}"
        found.append(tlsa.parse_rdata(f"{usage:02x}{selector:02x}{matching_type:02x}{data}"))
    return tuple(found)


def by_program(seeds: Iterable[int]) -> Tally:
    """Compare path checks and DANE matching with those of the openssl program."""
    tally = Tally()
    for seed in seeds:
        case = chains.make(seed, DRAFTED, faults.ARRANGED)
        found = records(case)
        if not judges.usable(case) or any(record.unusable for record in found) or _too_new(case):
            tally.undecodable += 1
            continue
        shown = program.judge(case, (program.by_store(case), program.by_records(found)))
        if shown is None:
            tally.refused_by_tls += 1
            continue
        _add(tally, Difference(case, 1, ours(case, 1), shown[0].errors, program=True))
        _add(tally, _dane(case, found, shown[1]))
    return tally


def _too_new(case: ChainCase) -> bool:
    """Return True for keys that only the library knows, not the program of an older release."""
    return any(facts(judges.normal(octets)).key_type.startswith("ML-DSA") for octets in case.every)


def _dane(case: ChainCase, found: tuple[TLSARecord, ...], shown: Shown) -> Difference:
    """Compare the first error; of a match also the record and the depth, as an error 0 at that depth."""
    certificates = [facts(judges.normal(octets)) for octets in case.chain]
    evidence = dane.match(found, certificates, NOW, security_level=1)
    own = [(int(error.num), error.depth) for error in evidence.errors]
    record = evidence.record if evidence.matched else None
    match = (f"{record.usage} {record.selector} {record.matching_type}", evidence.depth) if record else None
    errors = _named_apart(shown)
    theirs = shown.matched if not shown.errors else None
    if errors != shown.errors and not errors:
        theirs = match  # s_client names no record where the name is wrong
    texts = ", ".join(f"{r.usage} {r.selector} {r.matching_type}" for r in found)
    if match == theirs:
        return Difference(case, 1, judges.in_order(own), errors, program=True, records=texts)
    texts += f": {match} against {theirs}"
    return Difference(case, 1, judges.in_order(own) or ((0, 0),), errors, program=True, records=texts)


def _named_apart(shown: Shown) -> tuple[Found, ...]:
    """Return the errors without those of names, which the compared functions do not check."""
    return tuple(error for error in shown.errors if error[0] != VerifyError.HOSTNAME_MISMATCH)
