"""Run by Alembic for every command: takes the connection that `schema.migrate` has opened and locked."""

from alembic import context

from certsvc.store import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
