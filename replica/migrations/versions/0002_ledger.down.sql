drop table replica.quarantine;
drop table replica.removed;
drop table replica.withheld;
drop table replica.batch;
drop table replica.feed_state;
