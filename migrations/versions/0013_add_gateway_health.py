"""Add gateway health."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("payment_gateway_config") as table:
        table.add_column(sa.Column("failures_in_row", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("resting_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("payment_gateway_config") as table:
        table.drop_column("resting_until")
        table.drop_column("failures_in_row")
