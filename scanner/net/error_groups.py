"""Functions that choose the error to report from an exception group or from a chain of causes."""


def first_error(error: BaseException) -> BaseException:
    """Return the first error of nested exception groups; return an error that is not a group unchanged.

    The other errors of a group are consequences of the first error: the first task that fails closes a channel, and the
    other tasks then fail.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def root_cause(error: BaseException) -> BaseException:
    """Return the last error in the chain of explicit causes of an error.

    Each exception group in the chain is replaced by its first error.
    """
    error = first_error(error)
    while error.__cause__ is not None:
        error = first_error(error.__cause__)
    return error
