"""The dashboard's login: a hashed password, a signed cookie, and few tries."""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from itsdangerous import BadSignature, TimestampSigner
from werkzeug.security import check_password_hash, generate_password_hash

from play.web.messages import Allowance
from play.worlds.errors import UserError
from studies.web.config import StudyConfig

COOKIE = "desk"
SESSION_S = 12 * 3600
TRIES, TRIES_PER_S = 5, 1 / 20
"""Wrong passwords of one address: so many at once, then one in twenty seconds."""
ALL_TRIES, ALL_TRIES_PER_S = 40, 0.5
"""The same over all addresses, so that many of them together keep no core busy with hashing."""
ADDRESSES = 1000
"""Addresses that are remembered."""
SHORTEST = 10
METHODS = ("scrypt:", "pbkdf2:")


def hashed(password: str) -> str:
    """The salted scrypt hash of a password.

    Raises:
        UserError: It is too short.
    """
    if len(password) < SHORTEST:
        raise UserError(
            f"The password has {len(password)} characters: take {SHORTEST} or more, for the "
            "dashboard shows everybody's data"
        )
    return generate_password_hash(password)


def password_file(study: Path, study_id: str) -> Path:
    """Where the hash of a study's dashboard password is kept: beside its file."""
    return study.with_name(f"{study_id}.password")


def keep(place: Path, password: str) -> str:
    """Writes the hash of a password, readable by its owner only; returns the hash.

    Raises:
        UserError: The password is too short, or the file cannot be written.
    """
    digest = hashed(password)
    try:
        place.touch(mode=0o600)
        place.chmod(0o600)
        place.write_text(digest + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{place} cannot be written ({error.strerror}): check its folder"
        ) from error
    return digest


def kept(place: Path) -> str | None:
    """The hash in a file, or None without one.

    Raises:
        UserError: It cannot be read, or holds something else.
    """
    if not place.exists():
        return None
    try:
        return checked_hash(place.read_text(encoding="utf-8"), str(place))
    except OSError as error:
        raise UserError(f"{place} cannot be read ({error.strerror}): check its owner") from error


def checked_hash(text: str, place: str) -> str:
    """A password hash as it is written in a file or the environment.

    Raises:
        UserError: It is none.
    """
    digest = text.strip()
    if not digest.startswith(METHODS) or digest.count("$") != 2:
        raise UserError(
            f"{place} holds no password hash: write one with `understudy study password`"
        )
    return digest


class TooMany(Exception):
    """Too many wrong passwords: wait."""


class Door:
    """Who may see the dashboard.

    Args:
        config: The server's settings, with a password.
        clock: Monotonic seconds.
    """

    def __init__(self, config: StudyConfig, clock: Callable[[], float] = time.monotonic) -> None:
        assert config.password is not None
        self._hash, self._config, self._clock = config.password, config, clock
        # Whoever changes the password ends every session.
        mark = hashlib.sha256(self._hash.encode()).hexdigest()[:16]
        self._signer = TimestampSigner(config.secret, salt=f"desk/{mark}")
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, Allowance] = OrderedDict()
        self._all = Allowance(ALL_TRIES_PER_S, ALL_TRIES, 0, clock)

    def enter(self, password: str, address: str) -> str | None:
        """The cookie of a new session; None for a wrong password.

        Raises:
            TooMany: There were too many tries.
        """
        with self._lock:
            allowance = self._tries.pop(address, None)
            allowance = allowance or Allowance(TRIES_PER_S, TRIES, 0, self._clock)
            self._tries[address] = allowance
            if len(self._tries) > ADDRESSES:
                self._tries.popitem(last=False)
            if not allowance.message() or not self._all.message():
                raise TooMany
        if not check_password_hash(self._hash, password):
            return None
        with self._lock:
            self._tries.pop(address, None)
        return self._signer.sign(secrets.token_hex(16)).decode()

    def session(self, cookie: str) -> str | None:
        """Id of the session that a cookie proves, or None."""
        try:
            return self._signer.unsign(cookie, max_age=SESSION_S).decode()
        except (BadSignature, UnicodeDecodeError):
            return None

    def csrf(self, session: str) -> str:
        """The token that every form of a session carries."""
        return self._config.signed("desk csrf", session)

    def genuine(self, session: str, token: str) -> bool:
        """Whether a form is one of this session's."""
        return hmac.compare_digest(token.encode(), self.csrf(session).encode())
