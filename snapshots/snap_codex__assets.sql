{% snapshot snap_codex__assets %}
{{ latest_versions(ref('stg_codex__assets')) }}
{% endsnapshot %}
