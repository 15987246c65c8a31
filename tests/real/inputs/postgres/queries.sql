create table t(a integer primary key, b text);
insert into t select i, 'row ' || i * 7919 % 4001 from generate_series(1, 5003) i;
create index by_b on t(b);
select count(*), count(distinct b) from t;
delete from t where a % 3 = 0;
vacuum analyze t;
select count(*) from t where b like 'row 1%';
