"""The error to report out of exception groups and chained causes. Imports nothing, so that any room may use it."""


def first_error(error: BaseException) -> BaseException:
    """Return the first error of nested exception groups; an error that is no group is returned itself.

    The other errors of a group follow from the first: tasks fail because the task that failed first closed a channel.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def root_cause(error: BaseException) -> BaseException:
    """Return the error at the end of the chain of explicit causes, looking into groups on the way."""
    error = first_error(error)
    while error.__cause__ is not None:
        error = first_error(error.__cause__)
    return error
