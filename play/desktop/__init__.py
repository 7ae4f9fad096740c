"""The pygame front end: the same sessions, clock and records as in the browser."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
