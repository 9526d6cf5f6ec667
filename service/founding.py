"""Founding a workspace: the workspace, its first owner and the owner's password, in one transaction."""

from service.actor import Role, support
from service.ids import new_id
from service.passwords import PasswordHasher
from service.sessions import store_password
from service.unit_of_work import UnitOfWork
from service.users.commands import create_user
from service.users.fields import User, UserFields, shown_name, user_fields
from service.work import Work
from service.workspaces import Plan, Workspace, create_workspace


async def found_workspace(
    work: Work,
    hasher: PasswordHasher,
    *,
    subdomain: str,
    name: str,
    plan: Plan,
    owner_email: str,
    owner_name: str | None,
    password: str,
) -> Workspace:
    """Create a workspace with an owner who can sign in. Refuses as its parts do, and then leaves nothing."""
    password_hash = await hasher.hash(password)
    owner = person_fields(owner_email, owner_name, family_name=name)

    def found(uow: UnitOfWork) -> Workspace:
        workspace = create_workspace(uow, subdomain=subdomain, name=name, plan=plan)
        create_who_signs_in(uow, owner, role=Role.OWNER, password_hash=password_hash)
        return workspace

    return await work.write(support(new_id("wsp")), found)


def create_who_signs_in(uow: UnitOfWork, fields: UserFields, *, role: Role, password_hash: str) -> User:
    """Create a person who has a password from the start. Refuses as its parts do."""
    user = create_user(uow, fields, role=role)
    store_password(uow, user_id=user.id, user_name=shown_name(user), password_hash=password_hash)
    return user


def person_fields(email: str, name: str | None, *, family_name: str) -> UserFields:
    """A person with a given and a family name: identity providers' tests expect every listed user to have both.

    Without a name it is guessed from the address; `family_name` stands in where that gives one word only.
    """
    words = (name or email.partition("@")[0].replace(".", " ").replace("_", " ").title()).split() or ["Owner"]
    given, family = (" ".join(words[:-1]), words[-1]) if len(words) > 1 else (words[0], family_name)
    return user_fields(
        {
            "user_name": email,
            "given_name": given,
            "family_name": family,
            "display_name": name.strip() if name and name.strip() else f"{given} {family}",
            "emails": [{"value": email, "type": "work", "primary": True}],
        }
    )
