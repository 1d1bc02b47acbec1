"""The table of lab domains: what each publishes, how its servers behave, and the expected verdict.

Its rows are in the ``cases_*`` modules, by subject. Each expectation is the verdict at level dane, with the lab's
root as trust store and private addresses allowed; beside it stands why. A scan with a connect timeout of 2 s,
greeting 5 s, command 4 s and handshake 4 s comes to all of them.
"""

from tests.lab import cases_certs, cases_dane, cases_dns, cases_smtp, cases_tls
from tests.lab.model import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    *cases_dane.CASES,
    *cases_dns.CASES,
    *cases_smtp.CASES,
    *cases_tls.CASES,
    *cases_certs.CASES,
)
