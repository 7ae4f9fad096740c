from tests.studies.databases import database, new_store, postgres

__all__ = ["database", "new_store", "postgres"]
