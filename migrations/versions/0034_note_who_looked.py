"""Note who looked at whose data."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_request_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_requests.id"],
            name=op.f("fk_looks_service_request_id_service_requests"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_looks_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
        sa.UniqueConstraint(
            "service_request_id", "user_id", "hour", name=op.f("uq_looks_service_request_id_user_id_hour")
        ),
    )
    op.create_index("ix_looks_created_at_id", "looks", ["created_at", "id"], unique=False)
    op.create_index("ix_looks_user_id_hour", "looks", ["user_id", "hour"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_looks_user_id_hour", table_name="looks")
    op.drop_index("ix_looks_created_at_id", table_name="looks")
    op.drop_table("looks")
