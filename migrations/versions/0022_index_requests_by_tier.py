"""Tell at once whether a tier was ever sold."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_WHERE = "service_tier_id IS NOT NULL"


def upgrade() -> None:
    op.create_index(
        "ix_service_requests_tier_created_at",
        "service_requests",
        ["service_tier_id", "created_at"],
        unique=False,
        postgresql_where=sa.text(_WHERE),
        sqlite_where=sa.text(_WHERE),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_service_requests_tier_created_at",
        table_name="service_requests",
        postgresql_where=sa.text(_WHERE),
        sqlite_where=sa.text(_WHERE),
    )
