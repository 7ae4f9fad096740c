from tests.browser.conftest import browser, visit
from tests.studies.databases import database, new_store, postgres

__all__ = ["browser", "database", "new_store", "postgres", "visit"]
