{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% from 'dense_loops.cpp' import column, own, row, synapse with context %}
    const long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}};
    const long _rows = {{constant_or_scalar('N_post', variables['N_post'])}};
    const size_t _vectorisation_idx = -1;
    {% set events = get_array_name(_events) %}
    const long _count = {{events}}[{{_events.size - 1}}];
    {{get_array_name(_changing)}}[0] += _count > 0;
    {{scalar_code['update']|autoindent}}
    {% if _side == 'post' %}
    for (long _number = 0; _number < _count; _number++)
    {
        const long _row = {{events}}[_number] - _target_offset;
        if (_row < 0 || _row >= _rows) continue;
        {% if _by_columns %}
        for (long _column = 0; _column < _columns; _column++)
        {
            {% if not _diagonal %}
            if (_column == {{own('_row')}}) continue;
            {% endif %}
            {{ synapse('_row', vector_code['update']) }}
        }
        {% else %}
        {{ row(vector_code['update']) }}
        {% endif %}
    }
    {% elif _by_columns %}
    for (long _number = 0; _number < _count; _number++)
    {
        const long _column = {{events}}[_number] - _source_offset;
        if (_column < 0 || _column >= _columns) continue;
        {{ column(vector_code['update']) }}
    }
    {% else %}
    if (_count > 0)
    for (long _row = 0; _row < _rows; _row++)
    for (long _number = 0; _number < _count; _number++)
    {
        const long _column = {{events}}[_number] - _source_offset;
        if (_column < 0 || _column >= _columns{% if not _diagonal %} || _column == {{own('_row')}}{% endif %}) continue;
        { {{ synapse('_row', vector_code['update']) }} }
    }
    {% endif %}
{% endblock %}
