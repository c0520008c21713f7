{% snapshot snap_codex__plans %}
{{ latest_versions(ref('stg_codex__plans')) }}
{% endsnapshot %}
