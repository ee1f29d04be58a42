"""Let staff be in charge of requests, and keep saved views sealed: a search in one may name a customer."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OPEN = sa.text("closed_at IS NULL AND operator_id IS NOT NULL")


def upgrade() -> None:
    _add_operator()
    op.create_index(
        "ix_service_requests_operator_created_at_id",
        "service_requests",
        ["operator_id", "created_at", "id"],
        unique=False,
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )
    # Nothing was kept in it yet.
    with op.batch_alter_table("saved_views") as table:
        table.drop_column("query")
        table.add_column(sa.Column("query_sealed", sa.LargeBinary(), nullable=False))
    op.create_index("ix_saved_views_is_shared", "saved_views", ["is_shared"])


def _add_operator() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Making the table anew, as a batch does, would take the rows that refer to it with it.
        op.execute("ALTER TABLE service_requests ADD COLUMN operator_id CHAR(32) REFERENCES users (id)")
        return
    op.add_column("service_requests", sa.Column("operator_id", sa.Uuid(), nullable=True))
    # Checked for new rows at once, for old ones (which have none) without keeping anybody out.
    name = "fk_service_requests_operator_id_users"
    op.execute(
        f"ALTER TABLE service_requests ADD CONSTRAINT {name} FOREIGN KEY (operator_id) REFERENCES users (id) NOT VALID"
    )
    op.execute(f"ALTER TABLE service_requests VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    op.drop_index("ix_saved_views_is_shared", table_name="saved_views")
    with op.batch_alter_table("saved_views") as table:
        table.drop_column("query_sealed")
        table.add_column(sa.Column("query", sa.Text(), nullable=False, server_default=""))
    op.drop_index("ix_service_requests_operator_created_at_id", table_name="service_requests")
    # Not in a batch, which would make the table anew.
    op.execute("ALTER TABLE service_requests DROP COLUMN operator_id")
