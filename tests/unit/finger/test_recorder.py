"""A run that is recorded."""

import pytest
import trio.testing

from scanner.finger.finger_run import FingerRun
from scanner.finger.recorder import RecordingPorts
from scanner.finger.saved_case import EventKind, SavedCase
from tests.unit.finger.mail_scripts import MailScript
from tests.unit.memory_ports import ADDRESS, DOMAIN, MemoryPorts, good_tlsa, setup, zone


def empty_case() -> SavedCase:
    return SavedCase("0", (), {}, "me", tls=True, trust=(), anchors=(), digests=(), seed=1, notes=())


@pytest.mark.parametrize(("dumps", "records"), [(False, 1), (True, 4)])
async def test_a_case_holds_the_questions_and_the_events(
    dumps: bool,  # noqa: FBT001 - a parameter of the test
    records: int,
    autojump_clock: trio.testing.MockClock,
) -> None:
    case = empty_case()
    ports = RecordingPorts(MemoryPorts(zone(good_tlsa()), [MailScript()]), case, dumps=dumps)
    await FingerRun(setup(ports, DOMAIN)).run()
    assert [(one.name, one.rtype) for one in case.questions][:2] == [(DOMAIN, "MX"), (f"mx.{DOMAIN}", "A")]
    (connection,) = case.connections
    assert (connection.address, connection.port, connection.failure) == (ADDRESS, 25, None)
    kinds = [event.what for event in connection.events]
    assert (kinds[0], kinds.count(EventKind.SECURED)) == (EventKind.HEARD, 1)
    assert kinds.count(EventKind.HEARD_TLS) >= records
