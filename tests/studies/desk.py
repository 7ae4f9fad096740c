"""The researcher at the dashboard, without a browser."""

from typing import Any

import requests
from werkzeug.security import generate_password_hash

from studies.bots.reading import Fields
from studies.web.server import StudyServer
from tests.studies.hosting import Served

PASSWORD = "a password for tests"
HASH = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
"""Weaker than what `study password` makes, so that tests are quick."""


class Researcher:
    """Somebody who looks at the dashboard of a server, logged in unless told otherwise."""

    def __init__(self, server: StudyServer | Served, password: str | None = PASSWORD) -> None:
        self.url = server.url
        self.http = requests.Session()
        self.page = ""
        if password is not None:
            assert self.post("/desk/login", {"password": password}) == 200

    def get(self, path: str, **options: Any) -> int:
        return self._keep(self.http.get(self.url + path, **options))

    def post(self, path: str, data: Any, **headers: str) -> int:
        return self._keep(self.http.post(self.url + path, data=data, headers=headers))

    def _keep(self, answer: requests.Response) -> int:
        self.answer, self.page = answer, answer.text
        return answer.status_code

    def csrf(self) -> str:
        assert self.get("/desk") == 200
        return Fields(self.page).filled["csrf"]

    def turn(self, name: str, on: bool) -> None:
        said = {"csrf": self.csrf(), "name": name, "on": "yes" if on else "no"}
        assert self.post("/desk/switch", said) == 200
