-- Months can be closed. The tables of it are new, and nothing before them was closed.
select 1;
