{% snapshot snap_seeds__call_campaigns %}
{{ latest_versions(ref('stg_seeds__call_campaigns')) }}
{% endsnapshot %}
