"""The settings of a study server."""

import hashlib
import hmac
from dataclasses import dataclass

from studies.design import Study
from studies.store import Store


@dataclass(frozen=True)
class StudyConfig:
    """How a study server runs.

    Attributes:
        study: What is run.
        store: Where everything is kept.
        secret: Signs participants' tokens; the same after a restart, or nobody could come back.
        host: Address to listen on.
        port: TCP port; 0 takes a free one.
        public_url: Address that participants use, without a slash at the end; None for this
            machine only.
        countdown_ms: Time between the press of the start button and a round's first step.
        message_rate: Messages per second that a connection may send in the long run.
        message_burst: Messages that a connection may send at once.
        mistakes: Malformed messages that a connection is forgiven.
        password: Hash of the dashboard's password; None for a server without a dashboard.
        speed: How many times faster than the study says simulated participants play.
        page_rate: Pages per second that a participant may ask for in the long run, when hosted.
        page_burst: Pages that they may ask for at once.
        newcomer_rate: The same for all who come from one address and are in no session yet: a class
            may begin together behind one address.
        newcomer_burst: The same.
        queue: Redis, where several processes serve the study; None for one alone.
        name: What this one of several processes is called.
    """

    study: Study
    store: Store
    secret: bytes
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str | None = None
    countdown_ms: int = 3000
    message_rate: float = 60.0
    message_burst: float = 180.0
    mistakes: int = 5
    password: str | None = None
    speed: float = 1.0
    page_rate: float = 3.0
    page_burst: float = 60.0
    newcomer_rate: float = 20.0
    newcomer_burst: float = 400.0
    queue: str | None = None
    name: str = ""

    def signed(self, purpose: str, value: str = "") -> str:
        """A token that only this server can make, for one purpose and value."""
        text = f"{purpose}/{value}".encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:32]

    @property
    def secure(self) -> bool:
        """Whether cookies go over HTTPS only."""
        return self.public_url is not None and self.public_url.startswith("https://")
