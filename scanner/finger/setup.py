"""What a run of finger has besides its options."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.core import tlsa
from scanner.facts import TLSARecord
from scanner.finger.logging import Log
from scanner.finger.options import Options
from scanner.finger.output import Output
from scanner.finger.world import World

if TYPE_CHECKING:
    from scanner.core.pkix import TrustStore
    from scanner.net.tls import Identity


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run has besides its options.

    Trust anchors, whether TLS can be used at all, the EHLO name, the kinds of line to print, our own certificate for
    servers that ask for one, and the digests of TLSA records in use, strongest first.
    """

    options: Options
    trust: "TrustStore | None"
    anchors: tuple[TLSARecord, ...]
    tls: bool
    ehlo: str
    mask: Log
    world: World
    output: Output
    identity: "Identity | None" = None
    digests: tuple[str, ...] = tlsa.DIGESTS
