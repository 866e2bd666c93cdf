"""The register's storage: tables, repositories, transactions and migrations; the only import of SQLAlchemy.

Start at `ledger.open_ledger` (transactions), `schema.migrate` (tables) and `tables` (what is stored where).
"""
