"""stub."""
from scanner.vocabulary import *
from tests.lab.model import *
E_ = Expect(DomainOutcome.OK, Sender.VERIFIED, DomainDane.PROTECTED, DomainStartTLS.ALL)
SCENARIOS = (
  Scenario("good311.test", "x", E_, (Host("mx.good311.test", ("3 1 1 leaf",)),), ("Verified",)),
  Scenario("postfix.test", "x", E_, (Host("mx.postfix.test", ("3 1 1 leaf",), postfix=True),), ("Verified",)),
  Scenario("servfail.test", "x", E_, (Host("mx.servfail.test", ("3 1 1 leaf",)),), ("Verified",), rcodes={("_25._tcp.mx.servfail.test", "TLSA"): "SERVFAIL"}),
  Scenario("bogus.test", "x", E_, (Host("mx.bogus.test", ("3 1 1 leaf",)),), ("Verified",), tampered=(("bogus.test","MX"),)),
  Scenario("expd.test", "x", E_, (Host("mx.expd.test", ("3 1 1 leaf",)),), ("Verified",), zones={"expd.test":"expired"}),
  Scenario("n3.test", "x", E_, (Host("mx.n3.test", ("3 1 1 leaf",)),), ("Verified",), zones={"n3.test":"nsec3"}),
  Scenario("uns.test", "x", E_, (Host("mx.uns.test", ("3 1 1 leaf",)),), ("Verified",), zones={"uns.test":"unsigned"}),
)
