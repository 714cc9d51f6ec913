"""Commands that steer the work: cancel, pause, resume."""

from voxpersona.doors.cli.app import Identity, Json, app, opened
from voxpersona.pipeline.cancel import cancel as cancel_run


@app.command()
def cancel(identity: Identity, wants_json: Json = False) -> None:
    """Stop the work on a recording, waiting or under way. The recording and what was made of it before stay."""
    with opened(wants_json=wants_json) as (house, console):
        recording = house.library.recording(identity)
        cancel_run(
            recording, library=house.library, journal=house.journal, engine=house.engine(), archive=house.archive
        )
        console.document({"id": recording.id, "state": house.journal.standing(recording.id).state})
        console.line(
            f"{recording.id}  {console.pick('cancelled', 'отменено')}; "
            f"{console.pick('to do it after all', 'чтобы всё же сделать')}: voxpersona retry {recording.id}"
        )


@app.command()
def pause(wants_json: Json = False) -> None:
    """Begin no more work, on any machine, until `resume`. Recordings are still taken in; work under way goes on."""
    with opened(wants_json=wants_json) as (house, console):
        house.engine().pause()
        console.document({"paused": True})
        console.line(
            console.pick(
                "Paused: nothing new is begun; what is under way ends. Recordings are still taken in. "
                "Go on with `voxpersona resume`.",
                "Приостановлено: новое не начинается, начатое закончится. Записи по-прежнему принимаются. "
                "Продолжить: `voxpersona resume`.",
            )
        )


@app.command()
def resume(wants_json: Json = False) -> None:
    """Begin work again after `pause`."""
    with opened(wants_json=wants_json) as (house, console):
        house.engine().resume()
        console.document({"paused": False})
        console.line(console.pick("Work goes on.", "Работа продолжается."))
