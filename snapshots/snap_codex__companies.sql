{% snapshot snap_codex__companies %}
{{ latest_versions(ref('stg_codex__companies')) }}
{% endsnapshot %}
