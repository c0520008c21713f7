{% snapshot snap_seeds__deal_types %}
{{ latest_versions(ref('stg_seeds__deal_types')) }}
{% endsnapshot %}
