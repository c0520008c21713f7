-- What Redshift has and Postgres lacks, and what it has and reads differently. Sessions of the gate
-- look into this schema before pg_catalog.
drop schema if exists redshift cascade;
create schema redshift;
set search_path = redshift, pg_catalog;

-- Time. Sessions are in UTC; GETDATE has whole seconds, DATEADD of a date is a timestamp.
create function getdate() returns timestamp language sql stable
return date_trunc('second', statement_timestamp() at time zone 'UTC');

create function dateadd(part text, number bigint, moment timestamp) returns timestamp
language sql immutable
return moment + case lower(part)
    when 'quarter' then number * interval '3 months'
    else number * cast('1 ' || part as interval)
end;

create function dateadd(part text, number bigint, moment timestamptz) returns timestamptz
language sql stable
return redshift.dateadd(part, number, moment at time zone 'UTC') at time zone 'UTC';

create function dateadd(part text, number bigint, moment date) returns timestamp
language sql immutable
return redshift.dateadd(part, number, cast(moment as timestamp));

-- Boundaries crossed between two moments; a week begins on Sunday.
create function datediff(part text, first timestamp, second timestamp) returns bigint
language sql immutable
return cast(case lower(part)
    when 'year' then extract(year from second) - extract(year from first)
    when 'quarter' then
        (extract(year from second) - extract(year from first)) * 4
        + extract(quarter from second) - extract(quarter from first)
    when 'month' then
        (extract(year from second) - extract(year from first)) * 12
        + extract(month from second) - extract(month from first)
    when 'week' then
        (cast(date_trunc('week', second + interval '1 day') as date)
            - cast(date_trunc('week', first + interval '1 day') as date)) / 7
    when 'day' then cast(second as date) - cast(first as date)
    when 'hour' then
        extract(epoch from date_trunc('hour', second) - date_trunc('hour', first)) / 3600
    when 'minute' then
        extract(epoch from date_trunc('minute', second) - date_trunc('minute', first)) / 60
    when 'second' then
        extract(epoch from date_trunc('second', second) - date_trunc('second', first))
end as bigint);

create function date_trunc(part text, moment date) returns timestamp language sql immutable
return pg_catalog.date_trunc(part, cast(moment as timestamp));

create function last_day(moment timestamp) returns date language sql immutable
return cast(pg_catalog.date_trunc('month', moment) + interval '1 month - 1 day' as date);

create function convert_timezone(from_zone text, to_zone text, moment timestamp) returns timestamp
language sql stable
return (moment at time zone from_zone) at time zone to_zone;

-- Text. CONCAT of a null is null, REGEXP_REPLACE replaces every match.
create function sha2(value text, bits integer) returns varchar language sql immutable return encode(
    case bits
        when 224 then sha224(convert_to(value, 'UTF8'))
        when 256 then sha256(convert_to(value, 'UTF8'))
        when 384 then sha384(convert_to(value, 'UTF8'))
        when 512 then sha512(convert_to(value, 'UTF8'))
    end, 'hex'
);
create function len(value text) returns integer language sql immutable return length(value);

create function concat(first text, second text) returns text language sql immutable
return first || second;

create function regexp_replace(value text, pattern text, replacement text) returns text
language sql immutable
return pg_catalog.regexp_replace(value, pattern, replacement, 'g');

create function nvl(first anycompatible, second anycompatible) returns anycompatible
language sql immutable as 'select coalesce(first, second)';

-- AVG of whole numbers is a whole number.
create function whole_average(totals bigint[]) returns bigint language sql immutable
return totals[1] / nullif(totals[2], 0);

create function add_to_average(totals bigint[], value bigint) returns bigint[]
language sql immutable
return case when value is null then totals else array[totals[1] + value, totals[2] + 1] end;

create aggregate avg(bigint) (
    sfunc = add_to_average, stype = bigint[], initcond = '{0, 0}', finalfunc = whole_average
);

create function add_to_average(totals bigint[], value integer) returns bigint[]
language sql immutable
return redshift.add_to_average(totals, cast(value as bigint));

create aggregate avg(integer) (
    sfunc = add_to_average, stype = bigint[], initcond = '{0, 0}', finalfunc = whole_average
);

-- JSON is text: an absent field is '', a number is as it was written, and with `null_if_invalid`
-- text that is no JSON is null instead of an error.
create function json_at(value varchar, null_if_invalid boolean, variadic path text[])
returns varchar language sql stable
return case
    when value is not null and (not null_if_invalid or pg_input_is_valid(value, 'json'))
        then coalesce(
            cast(
                case when not null_if_invalid or pg_input_is_valid(value, 'json') then value end
                as json
            ) #>> path,
            ''
        )
end;

create function json_extract_path_text(value varchar, key text) returns varchar
language sql stable return redshift.json_at(value, false, key);

create function json_extract_path_text(value varchar, key text, null_if_invalid boolean)
returns varchar language sql stable
return redshift.json_at(value, null_if_invalid, key);

create function json_extract_path_text(
    value varchar, key text, inner_key text, null_if_invalid boolean
) returns varchar language sql stable
return redshift.json_at(value, null_if_invalid, key, inner_key);

create function json_extract_array_element_text(
    value varchar, place integer, null_if_invalid boolean
) returns varchar language sql stable
return redshift.json_at(value, null_if_invalid, cast(place as text));

-- The catalogue, as far as dbt-redshift reads it. Late-binding views are ordinary ones here.
create function pg_get_late_binding_view_cols() returns setof record language sql stable
begin atomic
    select cast('' as name), cast('' as name), cast('' as name), cast('' as varchar), 0 where false;
end;

create view svv_external_columns as
select
    cast(null as varchar) as schemaname,
    cast(null as varchar) as tablename,
    cast(null as varchar) as columnname,
    cast(null as varchar) as external_type,
    cast(null as integer) as columnnum
where false;

create view svv_table_info as
select
    cast(current_database() as varchar) as database,
    cast(namespaces.nspname as varchar) as schema,
    cast(relations.oid as integer) as table_id,
    cast(relations.relname as varchar) as "table",
    cast('Y, AUTO(ENCODE)' as varchar) as encoded,
    cast('AUTO(ALL)' as varchar) as diststyle,
    cast(null as varchar) as sortkey1,
    256 as max_varchar,
    cast(null as varchar) as sortkey1_enc,
    0 as sortkey_num,
    cast(1 as bigint) as size,
    cast(0 as numeric(10, 4)) as pct_used,
    cast(null as numeric(5, 2)) as unsorted,
    cast(0 as numeric(5, 2)) as stats_off,
    cast(greatest(relations.reltuples, 0) as numeric(38, 0)) as tbl_rows,
    cast(null as numeric(19, 2)) as skew_sortkey1,
    cast(null as numeric(19, 2)) as skew_rows
from pg_class as relations
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
where relations.relkind = 'r' and namespaces.nspname !~ '^(pg_|information_schema)';

-- Redshift gathers the statistics of what CREATE TABLE AS makes.
create function gather_statistics() returns event_trigger language plpgsql as $body$
declare
    made record;
begin
    for made in select object_identity from pg_event_trigger_ddl_commands() loop
        execute 'analyze ' || made.object_identity;
    end loop;
end
$body$;
create event trigger gather_statistics on ddl_command_end
when tag in ('CREATE TABLE AS') execute function gather_statistics();

-- COPY: a text has as many bytes as its column, or is cut where TRUNCATECOLUMNS is said.
create function fitted(relation regclass, file_rows jsonb, truncates boolean) returns jsonb
language plpgsql stable as $body$
declare
    sized record;
begin
    for sized in
        select cast(attname as text) as name, atttypmod - 4 as bytes
        from pg_attribute
        where attrelid = relation and atttypid = cast('varchar' as regtype) and atttypmod > 0
    loop
        if not exists (
            select from jsonb_array_elements(file_rows) as line
            where octet_length(line ->> sized.name) > sized.bytes
        ) then
            continue;
        end if;
        if not truncates then
            raise exception 'String length exceeds DDL length of column %', sized.name;
        end if;
        select jsonb_agg(
            jsonb_set(line, array[sized.name], coalesce(
                to_jsonb(redshift.cut(line ->> sized.name, sized.bytes)), cast('null' as jsonb)
            ))
        ) into file_rows
        from jsonb_array_elements(file_rows) as line;
    end loop;
    return file_rows;
end
$body$;

create function cut(value text, bytes integer) returns text language sql immutable as $body$
    with recursive shorter(rest) as (
        select left(value, bytes)
        union all
        select left(rest, -1) from shorter where octet_length(rest) > bytes
    )
    select rest from shorter where octet_length(rest) <= bytes
$body$;

-- How the gate says no: an error like any other.
create function refuse(reason text) returns text language plpgsql as $body$
begin
    raise exception using errcode = 'feature_not_supported', message = reason;
end
$body$;

grant usage on schema redshift to public;
grant select on all tables in schema redshift to public;
