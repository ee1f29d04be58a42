"""Create audit entries."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject_type", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor_user_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("changes_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("entry_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_user_id"], ["users.id"], name=op.f("fk_audit_entries_actor_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_entries_position")),
    )
    op.create_index("ix_audit_entries_action_created_at", "audit_entries", ["action", "created_at"], unique=False)
    op.create_index(
        "ix_audit_entries_actor_user_id_created_at", "audit_entries", ["actor_user_id", "created_at"], unique=False
    )
    op.create_index("ix_audit_entries_created_at_id", "audit_entries", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_audit_entries_subject_type_subject_id_created_at",
        "audit_entries",
        ["subject_type", "subject_id", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_entries_subject_type_subject_id_created_at", table_name="audit_entries")
    op.drop_index("ix_audit_entries_created_at_id", table_name="audit_entries")
    op.drop_index("ix_audit_entries_actor_user_id_created_at", table_name="audit_entries")
    op.drop_index("ix_audit_entries_action_created_at", table_name="audit_entries")
    op.drop_table("audit_entries")
