{% snapshot snap_codex__contacts %}
{{ latest_versions(ref('stg_codex__contacts')) }}
{% endsnapshot %}
