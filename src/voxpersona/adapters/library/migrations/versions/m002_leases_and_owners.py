"""Who works on a run, which workers live, and what is switched off"""

import sqlalchemy as sa
from alembic import op

revision = "m002"
down_revision = "m001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("run") as run:
        run.add_column(sa.Column("worker", sa.String(length=36), nullable=True))
    op.create_table(
        "lease",
        sa.Column("worker", sa.String(length=36), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_lease")),
    )
    op.create_table(
        "switch",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("since", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switch")),
    )
