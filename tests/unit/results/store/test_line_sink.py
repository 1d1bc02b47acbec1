"""Domain lines on a stream."""

import os
from io import BytesIO

import pytest

from results.store import codec
from results.store.files import MAX_WAITING, StoreError
from results.store.line_sink import LineSink
from scanner.model import CertSummary, DomainRecord
from scanner.vocabulary import RunState
from tests.unit import records
from tests.unit.records import DIGEST, NOON

CERTS = {DIGEST: records.cert()}


def test_a_line_on_a_stream_stands_alone() -> None:
    stream = BytesIO()
    with LineSink(stream) as sink:
        sink.put_host(records.report(), [records.cert()])
        sink.put_reject("-", 1, "x", "y")
        sink.put_domain(records.domain(), [records.report()], CERTS)
        assert stream.getvalue() == b""
        assert not sink.due(5.0)
        assert sink.due(6.0)
        sink.sync()
        sink.finish(RunState.COMPLETE, {}, NOON)
    cert = records.cert()
    expected = records.domain(
        reports=(records.report(),),
        certificates={DIGEST: CertSummary(cert.subject, cert.dns_names, cert.not_before, cert.not_after)},
    )
    (line,) = stream.getvalue().splitlines()
    assert codec.decode(DomainRecord, line) == expected


def test_a_stream_is_written_when_much_waits() -> None:
    stream = BytesIO()
    sink = LineSink(stream)
    sink.put_domain(records.domain(verdict=records.verdict(text="x" * (MAX_WAITING + 1))), [], {})
    assert len(stream.getvalue()) > MAX_WAITING


def test_a_reader_that_went_away_is_named() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as stream:  # noqa: PTH123 - a descriptor, not a path
        sink = LineSink(stream)
        sink.put_domain(records.domain(), [], {})
        with pytest.raises(StoreError, match="standard output: Broken pipe"):
            sink.sync()
