"""Alembic's entry: runs the migrations on the connection that `open_database` hands over."""

from alembic import context

from voxpersona.adapters.library.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # DBOS keeps its tables in the same database: none of Alembic's business.
    include_name=lambda name, kind, _parents: kind != "table" or name in metadata.tables,
    version_table="voxpersona_schema",
)
context.run_migrations()
