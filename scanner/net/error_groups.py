"""Choice of the error to report from exception groups and chained causes. This module has no imports."""


def first_error(error: BaseException) -> BaseException:
    """Return the first error of nested exception groups; return an error that is not a group unchanged.

    The other errors of a group are consequences of the first error: tasks fail because the task that failed first
    closed a channel.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def root_cause(error: BaseException) -> BaseException:
    """Return the last error in the chain of explicit causes of an error.

    An exception group is replaced by its first error.
    """
    error = first_error(error)
    while error.__cause__ is not None:
        error = first_error(error.__cause__)
    return error
