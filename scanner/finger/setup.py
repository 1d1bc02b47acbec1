"""The settings and resources of a run of ``mxsweep finger``."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.core import tlsa
from scanner.facts import TLSARecord
from scanner.finger.finger_ports import FingerPorts
from scanner.finger.log_keywords import LogMask
from scanner.finger.options import Options
from scanner.finger.output import Output

if TYPE_CHECKING:
    from scanner.core.pkix import TrustStore
    from scanner.net.tls import Identity


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
