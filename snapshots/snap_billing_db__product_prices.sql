{% snapshot snap_billing_db__product_prices %}
{{ latest_versions(ref('stg_billing_db__product_prices')) }}
{% endsnapshot %}
