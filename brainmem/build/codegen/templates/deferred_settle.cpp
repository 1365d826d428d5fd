{# USES_VARIABLES { N_pre, N_post, _flag } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    if ({{_flag}}[0] > 0.5)
    {
        typedef {{c_data_type(_weight.dtype)}} _number;
        const long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}};
        const long _rows = {{constant_or_scalar('N_post', variables['N_post'])}};
        brainmem::waiting<_number, {{get_array_name(_weight, access_data=False)}}>(_rows, _columns).settle(
            {{get_array_name(_weight)}}, {{'true' if _diagonal else 'false'}}, {{_shift or 0}});
    }
{% endblock %}
