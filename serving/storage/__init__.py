"""Storage: what the service keeps, behind repositories; the only package that imports SQLAlchemy."""

from serving.storage.database import Database, Transaction

__all__ = ["Database", "Transaction"]
