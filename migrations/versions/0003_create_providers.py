"""Create providers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_profiles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("open_work", sa.Integer(), nullable=False),
        sa.Column("availability", sa.String(length=32), nullable=False),
        sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_provider_profiles_capacity_not_negative")),
        sa.CheckConstraint("open_work >= 0", name=op.f("ck_provider_profiles_open_work_not_negative")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_provider_profiles_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_profiles")),
        sa.UniqueConstraint("user_id", name=op.f("uq_provider_profiles_user_id")),
    )
    op.create_table(
        "provider_skills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("profile_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=True),
        sa.Column("category", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(service_id IS NULL) <> (category IS NULL)", name=op.f("ck_provider_skills_service_or_category")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"],
            ["provider_profiles.id"],
            name=op.f("fk_provider_skills_profile_id_provider_profiles"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name=op.f("fk_provider_skills_service_id_services"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_skills")),
        sa.UniqueConstraint("profile_id", "category", name=op.f("uq_provider_skills_profile_id_category")),
        sa.UniqueConstraint("profile_id", "service_id", name=op.f("uq_provider_skills_profile_id_service_id")),
    )
    op.create_index("ix_provider_skills_category", "provider_skills", ["category"], unique=False)
    op.create_index("ix_provider_skills_service_id", "provider_skills", ["service_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_provider_skills_service_id", table_name="provider_skills")
    op.drop_index("ix_provider_skills_category", table_name="provider_skills")
    op.drop_table("provider_skills")
    op.drop_table("provider_profiles")
