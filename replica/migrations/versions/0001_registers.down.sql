drop view replica.household;
drop table replica.tax;
drop table replica.seal;
drop table replica.resident;
drop schema replica;
