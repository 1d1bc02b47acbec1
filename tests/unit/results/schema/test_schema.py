"""The JSON Schema accepts every line that is written and describes every member of it."""

import dataclasses
import json
from io import BytesIO
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results.schema.schema import SCHEMAS, schema
from results.store import codec
from results.store.line_sink import LineSink
from tests.unit import records
from tests.unit.results.store.test_codec import values

MADE: dict[str, Any] = {
    "run": records.header(),
    "domains": records.domain(),
    "hosts": records.report(),
    "certs": records.cert(),
    "rejects": records.reject(),
    "status": records.status(),
}


def validator(name: str | None) -> jsonschema.Draft202012Validator:
    document = schema(name)
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def test_each_file_has_a_schema() -> None:
    assert set(MADE) == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_written_line_is_valid(name: str) -> None:
    member = codec.plain(MADE[name])
    validator(name).validate(member)
    validator(None).validate(member)


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_written_line_is_valid(name: str, data: st.DataObject) -> None:
    validator(name).validate(codec.plain(data.draw(values(SCHEMAS[name]))))


def test_a_line_on_a_stream_is_valid() -> None:
    stream = BytesIO()
    with LineSink(stream) as sink:
        sink.put_domain(records.domain(), [records.report()], {records.DIGEST: records.cert()})
    validator("domains").validate(json.loads(stream.getvalue()))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_line_without_a_required_member_is_invalid(name: str) -> None:
    member = codec.plain(MADE[name])
    required = next(field.name for field in dataclasses.fields(MADE[name]) if field.default is dataclasses.MISSING)
    del member[required]
    assert not validator(name).is_valid(member)


def test_an_unknown_word_is_invalid() -> None:
    member = codec.plain(records.domain())
    member["verdict"]["outcome"] = "maybe"
    assert not validator("domains").is_valid(member)


def test_members_of_a_newer_version_are_valid() -> None:
    member = codec.plain(records.domain()) | {"later": 1}
    member["verdict"]["later"] = 1
    validator("domains").validate(member)


def test_every_member_and_definition_is_described() -> None:
    definitions = schema()["$defs"]
    assert definitions["Answer"]["description"] == "The answer to one DNS question."
    members = [made for definition in definitions.values() for made in definition.get("properties", {}).values()]
    assert len(members) > 200
    assert [made for made in (*definitions.values(), *members) if not made.get("description")] == []
    assert "``" not in json.dumps(definitions), "a docstring of the code is in the schema"


def test_vocabularies_have_their_words_with_meanings() -> None:
    mode = schema("hosts")["$defs"]["Mode"]
    assert mode["enum"] == ["lmtp", "lmtps", "smtp", "smtps"]
    assert "`lmtps`: the server speaks LMTP with TLS from the first octet." in mode["description"]


def test_each_document_has_its_own_name() -> None:
    names = [schema(name)["$id"] for name in (None, *SCHEMAS)]
    assert len(set(names)) == len(names)
    assert schema("run")["title"] == "mxsweep: run.json"


def test_an_unknown_file_has_no_schema() -> None:
    with pytest.raises(KeyError):
        schema("spool")
