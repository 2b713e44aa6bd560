DROP TABLE router_journal;
