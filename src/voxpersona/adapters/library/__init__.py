"""The relational memory on SQLAlchemy: SQLite or PostgreSQL, and a memory adapter."""
