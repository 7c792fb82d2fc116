"""What sessions want of the worker of models, which translates in one go for those that agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer import library, worker
from explorer.library import Scene
from explorer.store import View
from explorer.translation import OnStep, Run, Task, agreement, room, translate_together


@dataclass(frozen=True)
class Wish:
    """A translation that a session waits for.

    Attributes
    ----------
    view, scene : what to translate.
    listen : returns, for the job that this has become, what is to hear of its steps and may end it.
    finish : called on the worker with the job and what came of it.
    """

    view: View
    scene: Scene
    listen: Callable[[worker.Job], OnStep]
    finish: Callable[[worker.Job, Run | Exception], None]

    def submit(
        self, owner: object, on_place: Callable[[worker.Job, int], None]
    ) -> worker.Job | None:
        """Queue it; None where too much waits already. The others are those of `Worker.submit`."""
        key = agreement(self.view, self.scene)
        return worker.MODEL.submit(_translate, owner, on_place, key, self)


def _translate(job: worker.Job) -> None:
    """Translate what is wished for, and what others wait for that can be had with it."""
    wish: Wish = job.request
    try:
        most = room(wish.view, wish.scene)
    except Exception as error:
        wish.finish(job, error)
        return
    jobs = []
    for each in worker.MODEL.join(job, most):
        # Whoever waited may have waited for the same.
        if (kept := library.RUNS.get(each.request.view)) is not None:
            each.request.finish(each, kept)
        else:
            jobs.append(each)
    wishes: list[Wish] = [each.request for each in jobs]
    tasks = [
        Task(wish.view, wish.scene, wish.listen(each))
        for wish, each in zip(wishes, jobs, strict=True)
    ]
    for wish, each, made in zip(wishes, jobs, translate_together(tasks), strict=True):
        if isinstance(made, Run):
            library.RUNS.put(wish.view, made)
        wish.finish(each, made)
