"""What Alembic runs: the migration steps on the connection that `Database.migrate` hands over."""

from alembic import context

from serving.storage.metadata import metadata

NAME_UNDER_ALEMBIC = "env_py"


def run() -> None:
    """Run the steps that are due."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


# Only Alembic has a connection to hand over; whoever else imports this file wants to read it.
if __name__ == NAME_UNDER_ALEMBIC:
    run()
