{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    {% from 'dense_loops.cpp' import indexed with context %}
    typedef {{c_data_type(_weight.dtype)}} _number;
    const long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}};
    const long _rows = {{constant_or_scalar('N_post', variables['N_post'])}};
    const size_t _vectorisation_idx = -1;
    brainmem::Waiting<_number>& _waiting = brainmem::waiting<_number, {{get_array_name(_weight, access_data=False)}}>(_rows, _columns);
    static std::vector<_number> _summed_factors(_columns);
    _number* __restrict _x = &_summed_factors[0];
    {% for block, target in _sums | dictsort %}
    {
        {{scalar_code[block]|autoindent}}
        for (long _column = 0; _column < _columns; _column++)
        {
            {{ indexed(vector_code[block], '_column', '_column + _source_offset', '0') }}
            _x[_column] = _factor;
        }
        _waiting.sum({{get_array_name(_weight)}}, _x, {{get_array_name(target)}} + _target_offset,
                     {{'true' if _diagonal else 'false'}}, {{_shift or 0}});
    }
    {% endfor %}
{% endblock %}
