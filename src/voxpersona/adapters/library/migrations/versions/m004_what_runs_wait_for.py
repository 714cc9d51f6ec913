"""What runs wait for outside"""

import sqlalchemy as sa
from alembic import op

revision = "m004"
down_revision = "m003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run", sa.Column("waiting_code", sa.String(length=64), nullable=True))
    op.add_column("run", sa.Column("waiting_reason", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("waiting_since", sa.String(length=32), nullable=True))
    op.add_column("run", sa.Column("waiting_until", sa.String(length=32), nullable=True))
