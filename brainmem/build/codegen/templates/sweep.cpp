{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% from 'dense_loops.cpp' import column with context %}
    const long _units = {{_units}}, _rows = _units, _source_offset = 0, _target_offset = 0;
    const size_t _vectorisation_idx = -1;
    {% if _sums %}
    {% if _at_begin %}
    // Within a step of the protocol nothing but visits changes the sums.
    if ({{_elapsed}}[0] == 0)
    {% endif %}
    {
        {% for block, target in _sums | dictsort %}
        {
            {% set array = get_array_name(target) %}
            {{scalar_code[block]|autoindent}}
            for (long _row = 0; _row < _units; _row++) {{array}}[_row] = 0;
            for (long _column = 0; _column < _units; _column++)
            {
                const {{c_data_type(target.dtype)}} _kept = {{array}}[_column];
                {{ column(vector_code[block], array ~ '[_row] += _synaptic_var;', whole=True) }}
                {% if not _diagonal %}
                {{array}}[_column] = _kept;
                {% endif %}
            }
        }
        {% endfor %}
    }
    {% endif %}
    // A shuffled order, shuffled again, is as random as a sorted one.
    static std::vector<int> _order;
    if (_order.empty()) for (int _k = 0; _k < _units; _k++) _order.push_back(_k);
    {
        {{scalar_code['order']|autoindent}}
        for (long _k = _units - 1; _k > 0; _k -= 2)
        {
            // What a draw of 53 bits leaves behind its first number is a draw of its own; in float32 nothing is left.
            const double _drawn = _rand(_vectorisation_idx);
            double _place = _drawn*(_k + 1);
            std::swap(_order[_k], _order[(long)_place]);
            if (_k == 1) break;
            _place = (_place - (long)_place)*_k;
            std::swap(_order[_k - 1], _order[(long)_place]);
        }
    }
    {{scalar_code['visit']|autoindent}}
    {{scalar_code['follow']|autoindent}}
    for (long _visit = 0; _visit < _units; _visit++)
    {
        const long _column = _order[_visit];
        const {{c_data_type(_state.dtype)}} _before = {{get_array_name(_state)}}[_column];
        {
            const long {{_unit}} = _column;
            const size_t _vectorisation_idx = _column;
            {{vector_code['visit']|autoindent}}
        }
        const {{c_data_type(_state.dtype)}} _moved = {{get_array_name(_state)}}[_column] - _before;
        {{get_array_name(_change)}}[_column] = _moved;
        {% if _follows %}
        if (_moved == 0) continue;
        {% for block, target in _sums | dictsort %}
        const {{c_data_type(target.dtype)}} _kept_{{block}} = {{get_array_name(target)}}[_column];
        {% endfor %}
        {{ column(vector_code['follow'], whole=not _listed) }}
        {% if not _diagonal %}
        {% for block, target in _sums | dictsort %}
        {{get_array_name(target)}}[_column] = _kept_{{block}};
        {% endfor %}
        {% endif %}
        {% endif %}
    }
{% endblock %}
