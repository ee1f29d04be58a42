"""Create imports of CSV files."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "csv_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("lines_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("notices_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("refusals_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_csv_imports_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_csv_imports")),
    )
    op.create_index("ix_csv_imports_created_at", "csv_imports", ["created_at"], unique=False)
    op.create_index("ix_csv_imports_status_updated_at", "csv_imports", ["status", "updated_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_csv_imports_status_updated_at", table_name="csv_imports")
    op.drop_index("ix_csv_imports_created_at", table_name="csv_imports")
    op.drop_table("csv_imports")
