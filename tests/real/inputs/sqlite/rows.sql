-- A table with an index, and a query that sorts.
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20011)
  insert into t select i, 'row ' || i * 7919 % 4001, i / 3.0 from n;
create index by_b on t(b);
select b, count(*), round(sum(c), 3) from t group by b order by 3 desc limit 5;
