{#- The newest landed version of every key that is not deleted. One pass, for streams too big for
    the join of `latest_versions`. -#}
{% macro live_versions(versions) -%}
select *
    from (
        select
            *,
            row_number() over (
                partition by tenant, source_key order by loaded_at desc
            ) as recency
        from {{ versions }}
    ) as ranked_versions
    where recency = 1 and not is_deleted
{%- endmacro %}
