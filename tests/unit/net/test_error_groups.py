"""The error to report, out of groups and causes."""

from scanner.net.error_groups import first_error, root_cause


def test_an_error_that_is_no_group_is_returned_itself() -> None:
    error = KeyError("x")
    assert first_error(error) is root_cause(error) is error


def test_first_error_looks_into_nested_groups_and_leaves_causes_alone() -> None:
    shared = RuntimeError("shared work failed")
    shared.__cause__ = KeyError("x")
    outer = ExceptionGroup("outer", [ExceptionGroup("middle", [shared]), ValueError("later")])
    assert first_error(outer) is shared


def test_root_cause_looks_into_groups_and_causes() -> None:
    root = KeyError("x")
    shared = RuntimeError("shared work failed")
    shared.__cause__ = ExceptionGroup("inner", [root])
    outer = ExceptionGroup("outer", [shared, ValueError("later")])
    assert root_cause(outer) is root


def test_first_error_of_errors_that_are_no_exceptions() -> None:
    interrupt = KeyboardInterrupt()
    assert first_error(BaseExceptionGroup("outer", [interrupt])) is interrupt
