{#- The eleven rates of a billing plan, each with the name of its override's switch (SPEC M3). -#}
{% macro msp_rates() -%}
    {{ return({
        'per_user_cost': 'override_puc_enabled',
        'per_workstation_cost': 'override_pwc_enabled',
        'per_server_cost': 'override_psc_enabled',
        'per_vm_cost': 'override_pvc_enabled',
        'per_switch_cost': 'override_pswitchc_enabled',
        'per_firewall_cost': 'override_pfirewallc_enabled',
        'per_hour_ticket_cost': 'override_phtc_enabled',
        'backup_base_fee_workstation': 'override_bbfw_enabled',
        'backup_base_fee_server': 'override_bbfs_enabled',
        'backup_included_tb': 'override_bit_enabled',
        'backup_per_tb_fee': 'override_bpt_enabled',
    }) }}
{%- endmacro %}
