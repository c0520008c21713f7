{% snapshot snap_seeds__disposition_map %}
{{ latest_versions(ref('stg_seeds__disposition_map')) }}
{% endsnapshot %}
