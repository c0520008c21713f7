{% snapshot snap_seeds__deal_terms %}
{{ latest_versions(ref('stg_seeds__deal_terms')) }}
{% endsnapshot %}
