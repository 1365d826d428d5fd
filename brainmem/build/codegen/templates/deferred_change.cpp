{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% from 'dense_loops.cpp' import gated, indexed, shut with context %}
    typedef {{c_data_type(_weight.dtype)}} _number;
    const long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}};
    const long _rows = {{constant_or_scalar('N_post', variables['N_post'])}};
    const size_t _vectorisation_idx = -1;
    brainmem::Waiting<_number>& _waiting = brainmem::waiting<_number, {{get_array_name(_weight, access_data=False)}}>(_rows, _columns);
    {% if _gate %}
    bool _open = false;
    for (long _row = 0; _row < _rows; _row++) _open |= !({{ shut('_row + _target_offset') }});
    if (!_open) return;
    {% endif %}
    // Not with one product or two, for which the sum before the change has made room.
    if (_waiting.count + {{_products}} > _waiting.most)
        _waiting.settle({{get_array_name(_weight)}}, {{'true' if _diagonal else 'false'}}, {{_shift or 0}});
    {% if _scaled %}
    {
        {{scalar_code['scale']|autoindent}}
        _number* __restrict _factors = _waiting.next_factors();
        for (long _row = 0; _row < _rows; _row++)
        {
            {{ indexed(vector_code['scale'], '_row', '0', '_row + _target_offset') }}
            _factors[_row] = {{ gated('1') }}_factor;
        }
        _waiting.multiply();
    }
    {% endif %}
    {% for k in range(_products) %}
    {
        {{scalar_code['pre_%d' % k]|autoindent}}
        _number* __restrict _changes = _waiting.next_pre();
        for (long _column = 0; _column < _columns; _column++)
        {
            {{ indexed(vector_code['pre_%d' % k], '_column', '_column + _source_offset', '0') }}
            _changes[_column] = _factor;
        }
    }
    {
        {{scalar_code['post_%d' % k]|autoindent}}
        _number* __restrict _changes = _waiting.next_post();
        for (long _row = 0; _row < _rows; _row++)
        {
            {{ indexed(vector_code['post_%d' % k], '_row', '0', '_row + _target_offset') }}
            _changes[_row] = {{ gated('0') }}_factor;
        }
    }
    _waiting.count++;
    {% endfor %}
{% endblock %}
