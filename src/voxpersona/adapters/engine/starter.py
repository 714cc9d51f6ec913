"""Starting work from any process: names that last, DBOS's own tables, and the client that enqueues."""

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, SQLAlchemyDatasource

from voxpersona.model import WorkOrder

APPLICATION = "voxpersona"
VERSION = "vox-1"  # constant: DBOS never picks up work of another version again
WORKFLOW = "whole_way_v2"
OLD_WORKFLOWS = ("whole_way_v1",)
"""Never begun any more; those under way from before an upgrade go on to their end."""
QUEUE = "recordings"
PARTS_QUEUE = "parts"


def workflow_id(order: WorkOrder) -> str:
    """The lasting idempotency key of one run."""
    return f"{order.recording}:{order.run}"


def _table(connection: sa.Connection) -> str:
    """Where DBOS keeps its workflows."""
    return "workflow_status" if connection.dialect.name == "sqlite" else "dbos.workflow_status"


class DbosStarter:
    """Starts work orders from any process, inside the caller's transaction. Runs nothing itself."""

    def __init__(self, url: str) -> None:
        self._client = DBOSClient(
            system_database_url=url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    def __call__(self, connection: sa.Connection, order: WorkOrder) -> None:
        """Make the order's start part of the transaction of `connection`."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": workflow_id(order),
            "app_version": VERSION,
        }
        self._client.enqueue_in_transaction(connection, options, order.model_dump(mode="json"))

    def forgive(self, connection: sa.Connection, workflows: Collection[str]) -> None:
        """Make it as if these were begun for the first time: what waits, however long, has not killed its worker."""
        begun = "recovery_attempts = 1 WHERE recovery_attempts > 1 AND status = 'PENDING'"
        update = sa.text(f"UPDATE {_table(connection)} SET {begun} AND workflow_uuid IN :ids")  # noqa: S608  # one of two names
        connection.execute(update.bindparams(sa.bindparam("ids", expanding=True)), {"ids": list(workflows)})

    def executor_of(self, connection: sa.Connection, order: WorkOrder) -> str | None:
        """Which executor DBOS has given the order to. On PostgreSQL nobody else can be given it before the transaction
        ends; on SQLite write transactions are alone anyway."""
        lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE"
        query = sa.text(f"SELECT executor_id FROM {_table(connection)} WHERE workflow_uuid = :id{lock}")  # noqa: S608  # two names
        found: str | None = connection.execute(query, {"id": workflow_id(order)}).scalar()
        return found

    def cancel(self, order: WorkOrder) -> None:
        """Stop the order at its next step; nothing happens where it is over or unknown."""
        self._client.cancel_workflow(workflow_id(order), cancel_children=True)

    def status(self, workflow: str) -> str:
        """DBOS's status of one workflow; empty for an unknown one."""
        found = self._client.list_workflows(workflow_ids=[workflow], load_input=False, load_output=False)
        return found[0].status if found else ""

    def statuses(self, orders: Sequence[WorkOrder]) -> Mapping[str, str]:
        """DBOS's status by workflow id; unknown ones are missing."""
        if not orders:
            return {}
        found = self._client.list_workflows(workflow_ids=[workflow_id(order) for order in orders])
        return {status.workflow_id: status.status for status in found}

    def close(self) -> None:
        self._client.destroy()


def prepare_database(url: str) -> None:
    """Create or upgrade DBOS's own tables. Idempotent."""
    DBOS.migrate(url)
    SQLAlchemyDatasource.migrate(url)
