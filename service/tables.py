"""Every table there is: importing this declares all of them, for those who treat tables alike (migrations, copying)."""

from service import api_keys, audit, flags, links, sessions, sign_in_attempts, totals, workspaces
from service.groups import fields as groups
from service.mail import outbox
from service.provisioning import breaker, conflicts, log, tolerances
from service.users import fields as users
from service.users import tombstones

_PROVISIONING = (breaker, conflicts, log, tolerances)
_ACCOUNTS = (api_keys, links, outbox, sessions, sign_in_attempts)
MODULES = (*_ACCOUNTS, audit, flags, totals, workspaces, groups, *_PROVISIONING, users, tombstones)
