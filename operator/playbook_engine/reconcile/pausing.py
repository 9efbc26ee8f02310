"""The pass over a resource that somebody asks to leave alone."""

from playbook_engine.objects import Object, mapping, metadata_of
from playbook_engine.reconcile.steps import Pass
from playbook_engine.status.compose import News
from playbook_engine.watches.records import Watch


def is_paused(watch: Watch, resource: Object) -> bool:
    """Whether somebody asks that the resource is left alone."""
    annotations = mapping(metadata_of(resource).get("annotations"))
    return bool(watch.pause_annotation) and annotations.get(watch.pause_annotation) == "true"


async def pause(one: Pass, resource: Object) -> float:
    """Only the status follows the dependents. What has changed meanwhile is found when the pause ends."""
    observation = await one.gather(resource)
    annotation = one.watch.pause_annotation
    text = f"nothing is changed as long as the annotation {annotation} is true; remove it to go on"
    await one.write(observation, News(paused=text))
    one.ended("paused")
    return one.next(observation)
