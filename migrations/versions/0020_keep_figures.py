"""Keep the dashboard's figures of days that are over, and count errors."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_service_requests_first_contact_at", "service_requests", "first_contact_at"),
    ("ix_service_requests_promised_at", "service_requests", "due_at"),
    ("ix_refunds_completed_at", "refunds", "completed_at"),
)


def upgrade() -> None:
    op.create_table(
        "kept_figures",
        sa.Column("span", sa.String(length=32), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("span", "start", name=op.f("pk_kept_figures")),
    )
    op.create_index("ix_kept_figures_counted_at", "kept_figures", ["counted_at"])
    op.create_table(
        "figure_marks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_marks")),
    )
    op.create_index("ix_figure_marks_at", "figure_marks", ["at"])
    op.create_table(
        "error_tallies",
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "category", name=op.f("pk_error_tallies")),
    )
    for name, table, column in _INDEXES:
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], unique=False, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name, table, _ in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
    for table in ("error_tallies", "figure_marks", "kept_figures"):
        op.drop_table(table)
