{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    {% if _formed %}
    // Nothing but the synapses changes these sums.
    if ({{get_array_name(_formed)}}[0] == {{get_array_name(_changing)}}[0] + 1) return;
    {{get_array_name(_formed)}}[0] = {{get_array_name(_changing)}}[0] + 1;
    {% endif %}
    {% from 'dense_loops.cpp' import column, own, synapse with context %}
    const long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}};
    const long _rows = {{constant_or_scalar('N_post', variables['N_post'])}};
    const size_t _vectorisation_idx = -1;
    {% for block, target in _sums | dictsort %}
    {% set type = c_data_type(target.dtype) %}
    {% set array = get_array_name(target) %}
    {
        {{scalar_code[block]|autoindent}}
        {% if _by_columns %}
        {{ openmp_pragma('parallel-static') }}
        for (long _column = 0; _column < _columns; _column++)
        {
            {{type}} _sum = 0;
            { {{ column(vector_code[block], '_sum += _synaptic_var;') }} }
            {{array}}[_column + _source_offset] = _sum;
        }
        {% else %}
        // The sums of a piece of the columns stay in the cache while the rows pass by, four at a time.
        const long _width = 1024, _pieces = (_columns + _width - 1)/_width;
        {{ openmp_pragma('parallel-static') }}
        for (long _piece = 0; _piece < _pieces; _piece++)
        {
            const long _begin = _piece*_width, _end = _begin + _width < _columns ? _begin + _width : _columns;
            for (long _column = _begin; _column < _end; _column++) {{array}}[_column + _source_offset] = 0;
            long _row = 0;
            for (; _row + 4 <= _rows; _row += 4)
            {
                {% if _diagonal %}
                for (long _column = _begin; _column < _end; _column++)
                {
                    {{type}} _sum = 0;
                    {% for r in range(4) %}
                    { {{ synapse('_row + ' ~ r, vector_code[block]) }} _sum += _synaptic_var; }
                    {% endfor %}
                    {{array}}[_column + _source_offset] += _sum;
                }
                {% else %}
                // Columns where one of the four rows would meet itself, and those before and behind.
                const long _first = std::min(std::max({{own('_row')}}, _begin), _end);
                const long _last = std::min(std::max({{own('_row')}} + 4, _begin), _end);
                for (int _part = 0; _part < 2; _part++)
                for (long _column = _part ? _last : _begin; _column < (_part ? _end : _first); _column++)
                {
                    {{type}} _sum = 0;
                    {% for r in range(4) %}
                    { {{ synapse('_row + ' ~ r, vector_code[block]) }} _sum += _synaptic_var; }
                    {% endfor %}
                    {{array}}[_column + _source_offset] += _sum;
                }
                for (long _column = _first; _column < _last; _column++)
                {
                    {{type}} _sum = 0;
                    {% for r in range(4) %}
                    if (_column != {{own('_row')}} + {{r}})
                    { {{ synapse('_row + ' ~ r, vector_code[block]) }} _sum += _synaptic_var; }
                    {% endfor %}
                    {{array}}[_column + _source_offset] += _sum;
                }
                {% endif %}
            }
            for (; _row < _rows; _row++)
            for (long _column = _begin; _column < _end; _column++)
            {
                {% if not _diagonal %}
                if (_column == {{own('_row')}}) continue;
                {% endif %}
                {{ synapse('_row', vector_code[block]) }}
                {{array}}[_column + _source_offset] += _synaptic_var;
            }
        }
        {% endif %}
    }
    {% endfor %}
{% endblock %}
