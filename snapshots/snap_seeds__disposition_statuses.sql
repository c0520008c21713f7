{% snapshot snap_seeds__disposition_statuses %}
{{ latest_versions(ref('stg_seeds__disposition_statuses')) }}
{% endsnapshot %}
