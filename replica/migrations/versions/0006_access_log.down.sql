drop table staff.access_log;
