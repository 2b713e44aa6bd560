DROP INDEX audit_entries_router;
DROP TABLE gate_orders;
ALTER TABLE accounts DROP COLUMN before;
ALTER TABLE accounts DROP COLUMN disabled;
ALTER TABLE routers DROP COLUMN observe_asks;
