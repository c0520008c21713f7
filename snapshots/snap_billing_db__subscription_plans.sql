{% snapshot snap_billing_db__subscription_plans %}
{{ latest_versions(ref('stg_billing_db__subscription_plans')) }}
{% endsnapshot %}
