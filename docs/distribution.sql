-- Spreads Headcount's tables over the nodes of Citus by workspace. Run it once, on the coordinator, as the owner of the
-- tables and after `headcount migrate`; tables that a later version adds are in its edition of this file.
--
-- Whatever a workspace has lies on one node, so that a request's statements and joins stay there, and a transaction
-- commits there. The list of workspaces is small, unique by subdomain and joined with everything: each node has it whole.
-- Only the look-ups that find out whose key or session was shown ask all nodes; each has an index for them.
--
-- The shape of the tables is tested (tests/service/test_distribution.py). Headcount has not yet been run on Citus. What
-- is known to be in the way, beside trying it:
--
-- 1. The coordinator signs in to the nodes as the role that is acting, and headcount_app and headcount_lookup may not
--    sign in anywhere: on the nodes they need LOGIN and an entry in pg_hba.conf for the coordinator.
-- 2. The policies compare with the setting headcount.workspace. The nodes learn of it only where
--    citus.propagate_set_commands is 'local' and it is made by SET LOCAL; service/store/postgres.py makes it by
--    set_config(). Until that is changed the policies hide every row: nothing is found, and nothing is shown to others.
-- 3. Locks by name (changes against the end of what they stand on, the background work) are held on the node that
--    Headcount is connected to: every server must be connected to the coordinator.

SELECT create_reference_table('workspace');

SELECT create_distributed_table('"user"', 'workspace_id', colocate_with => 'none');
SELECT create_distributed_table('user_email', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('credential', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('session', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('mail', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('one_time_link', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('sign_in_attempts', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('"group"', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('group_member', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('api_key', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('total', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('flag_override', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('provisioning_event', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('provisioning_breaker', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('tolerance_use', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('provisioning_conflict', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('user_tombstone', 'workspace_id', colocate_with => '"user"');
SELECT create_distributed_table('audit_event', 'workspace_id', colocate_with => '"user"');
