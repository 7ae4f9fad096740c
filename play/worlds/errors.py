"""The one exception that reaches a user as a sentence instead of a traceback."""


class UserError(Exception):
    """A mistake of the person at the keyboard: an unknown layout, a damaged file, a port in use.

    The message is one sentence that says what was given, what is allowed and what to do.
    The command line prints it and exits with status 2.
    """
