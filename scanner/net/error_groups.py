"""The choice of the error to report from exception groups and chained causes. This module has no imports."""


def first_error(error: BaseException) -> BaseException:
    """Return the first error of nested exception groups; return any other error unchanged.

    The other errors of a group follow from the first: tasks fail because the task that failed first closed a channel.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def root_cause(error: BaseException) -> BaseException:
    """Return the last error of the chain of explicit causes.

    For an exception group, the first error of the group counts.
    """
    error = first_error(error)
    while error.__cause__ is not None:
        error = first_error(error.__cause__)
    return error
