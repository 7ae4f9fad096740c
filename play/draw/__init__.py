"""Drawing with pygame, whose greeting on standard output is switched off before it is imported."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
