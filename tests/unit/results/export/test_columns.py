"""The two values of a column, and columns made of the columns of target lists."""

from datetime import datetime

from results.export.columns import MAX_FIELDS, SQL_TYPES, field_columns, hidden, identifier, literal, member, texts
from results.export.tables import TABLES
from scanner.vocabulary import RunState
from tests.unit import records


def test_every_column_has_a_type_of_every_format() -> None:
    assert {column.kind for table in TABLES.values() for column in table.shown} <= set(SQL_TYPES)


def test_a_member_has_one_path_for_both_languages() -> None:
    column = member("outcome", str, "verdict.outcome")
    assert (column.value(records.domain()), column.stored) == ("ok", "verdict.outcome")
    assert member("observed_at", datetime).kind is datetime


def test_values_outside_the_vocabulary_are_invalid() -> None:
    assert member("state", RunState).valid == "state IN ('running', 'paused', 'complete', 'interrupted')"
    assert member("rank", int, null=True).valid == ""


def test_a_list_is_two_columns() -> None:
    text, listed = texts("defects", lambda record: record, "defects")
    assert (text.value(["a", "b"]), listed.value(["a", "b"])) == ("a b", ("a", "b"))
    assert (text.name, listed.name) == ("defects", "defects_list")


def test_a_hidden_column_is_not_shown() -> None:
    assert hidden("mx", "route.mx").hidden


def test_list_columns_get_free_names_in_alphabetical_order() -> None:
    columns = field_columns(["owner", "Domain", "", "a\nb", "FIELD_domain"], ["domain"])
    assert [column.name for column in columns] == ["field_", "field_Domain", "field_FIELD_domain", "a_b", "owner"]


def test_the_number_of_list_columns_is_limited() -> None:
    assert len(field_columns(map(str, range(2 * MAX_FIELDS)), [])) == MAX_FIELDS


def test_names_and_texts_in_sql() -> None:
    assert (identifier('a"b'), literal("a'b")) == ('"a""b"', "'a''b'")
