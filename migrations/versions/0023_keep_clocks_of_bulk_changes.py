"""Remember the clocks of requests that are changed many at once: undoing brings them back too."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("due_at_before", sa.DateTime(timezone=True)),
    ("waiting_since_before", sa.DateTime(timezone=True)),
    ("work_left_before", sa.Integer()),
)


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("bulk_change_rows", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name, _ in reversed(_COLUMNS):
        op.drop_column("bulk_change_rows", name)
