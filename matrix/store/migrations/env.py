"""Run by Alembic, inside the transaction of the connection it was given."""

from alembic import context

from matrix.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
