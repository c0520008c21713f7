{#- The name that the embedded server of this checkout gives of itself (`ingestion/embedded.py`); blank
    where the warehouse is another server, or the checkout's folder is not told in full. -#}
{% macro server_mark() -%}
    {%- set is_embedded = not env_var('WAREHOUSE_HOST', '') or env_var('WAREHOUSE_IS_EMBEDDED', '') -%}
    {%- set folder = env_var('LEDGERHOUSE_EMBEDDED_DIR', '') or invocation_args_dict.project_dir ~ '/.warehouse' -%}
    {{ 'ledgerhouse ' ~ local_md5(folder)[:12] if is_embedded and folder[:1] == '/' }}
{%- endmacro %}
