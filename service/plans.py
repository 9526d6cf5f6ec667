"""What a workspace pays for, and what comes and goes with that."""

from service.actor import Permission
from service.audit import Action, Event, change_of, checked_reason
from service.flags import changes_of, flags_on
from service.unit_of_work import UnitOfWork
from service.workspaces import Plan, Workspace, get_workspace


def set_plan(uow: UnitOfWork, plan: Plan, *, reason: str) -> Workspace:
    """Put the actor's workspace on another plan, saying why; the event names the flags that it switches.

    What support has set stays set, and counts on plans that may have the flag. The plan that it is on is no change.
    """
    uow.demand(Permission.PLANS_WRITE)
    uow.demand_recent_password()
    why = checked_reason(reason)
    workspace = get_workspace(uow)
    if workspace.plan == plan:
        return workspace
    changed = uow.update(Workspace, workspace.id, {"plan": plan.value})
    switched = changes_of(flags_on(uow, workspace.plan), flags_on(uow, plan))
    changes = (change_of("plan", workspace.plan, plan.value), *switched)
    uow.record(Event(Action.PLAN_SET, "Workspace", workspace.id, workspace.name, changes, why))
    return changed
