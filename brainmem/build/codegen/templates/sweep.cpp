{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% from 'dense_loops.cpp' import column with context %}
    const long _units = {{_units}}, _rows = _units, _source_offset = 0, _target_offset = 0;
    const size_t _vectorisation_idx = -1;
    {% if _sums %}
    {% if _changing %}
    // The sums follow the visits, and are formed anew where anything else has changed what they read. Every so many
    // sweeps they are formed anew too, so that rounding does not add up.
    {% set formed, changing, age = get_array_name(_formed), get_array_name(_changing), get_array_name(_age) %}
    bool _stale = {{formed}}[0] != {{changing}}[0] + 1 || {{age}}[0] >= _units;
    {% for now, seen in _watched %}
    _stale = _stale || !std::equal({{get_array_name(now)}}, {{get_array_name(now)}} + {{now.size}}, {{get_array_name(seen)}});
    {% endfor %}
    {{age}}[0] = _stale ? 1 : {{age}}[0] + 1;
    if (_stale)
    {% endif %}
    {
        {% if _changing %}
        {{formed}}[0] = {{changing}}[0] + 1;
        {% for now, seen in _watched if now is not sameas _state %}
        std::copy({{get_array_name(now)}}, {{get_array_name(now)}} + {{now.size}}, {{get_array_name(seen)}});
        {% endfor %}
        {% endif %}
        {% for block, target in _sums | dictsort %}
        {
            {% set array = get_array_name(target) %}
            {{scalar_code[block]|autoindent}}
            {% if _spread %}
            for (long _k = 0; _k < _units*{{_spread}}; _k++) {{array}}[_k] = 0;
            for (long _column = 0; _column < _units; _column++)
            for (long _row = 0; _row < _units; _row++)
            {
                {% if not _diagonal %}
                if (_row == _column) continue;
                {% endif %}
                const long _idx = _column*_rows + _row;
                const size_t _vectorisation_idx = _idx;
                for (long _trial = 0; _trial < {{_spread}}; _trial++)
                {
                    const long _presynaptic_idx = _column*{{_spread}} + _trial, _postsynaptic_idx = _row*{{_spread}} + _trial;
                    {{vector_code[block]|autoindent}}
                    {{array}}[_postsynaptic_idx] += _synaptic_var;
                }
            }
            {% else %}
            for (long _row = 0; _row < _units; _row++) {{array}}[_row] = 0;
            for (long _column = 0; _column < _units; _column++)
            {
                const {{c_data_type(target.dtype)}} _kept = {{array}}[_column];
                {{ column(vector_code[block], array ~ '[_row] += _synaptic_var;', whole=True) }}
                {% if not _diagonal %}
                {{array}}[_column] = _kept;
                {% endif %}
            }
            {% endif %}
        }
        {% endfor %}
    }
    {% endif %}
    static std::vector<int> _order(_units);
    {% set key = get_array_name(variables['site_key']) %}
    {% if _spread %}
    // Trials lie side by side: each is taken out, visited in one piece, and put back.
    {% set parts = _apart(variables) %}
    {% for item in parts %}
    {{c_data_type(item.dtype)}}* const _whole_{{loop.index}} = {{get_array_name(item)}};
    static std::vector<{{c_data_type(item.dtype)}}> _part_{{loop.index}}(_units);
    {% endfor %}
    for (long _trial = 0; _trial < {{_spread}}; _trial++)
    {
    {% if _stops %}
    if ({{get_array_name(_stops)}}[_trial] > 0.5) continue;
    {% endif %}
    {% for item in parts %}
    {{c_data_type(item.dtype)}}* __restrict {{get_array_name(item)}} = &_part_{{loop.index}}[0];
    for (long _k = 0; _k < _units; _k++) _part_{{loop.index}}[_k] = _whole_{{loop.index}}[_k*{{_spread}} + _trial];
    {% endfor %}
    {% else %}
    const long _trial = 0;
    {
    {% endif %}
    {{key}}[0] = _site_key({{get_array_name(variables['_seed'])}}[0], {{get_array_name(variables['_sweep'])}}[0], {{_place}}, _trial);
    _site_order({{key}}[0], _units, &_order[0]);
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
    {% for item in (parts if _spread else ()) %}
    {% if item in _written %}
    for (long _k = 0; _k < _units; _k++) _whole_{{loop.index}}[_k*{{_spread}} + _trial] = _part_{{loop.index}}[_k];
    {% endif %}
    {% endfor %}
    }
    {% for now, seen in _watched if now is sameas _state %}
    std::copy({{get_array_name(now)}}, {{get_array_name(now)}} + {{now.size}}, {{get_array_name(seen)}});
    {% endfor %}
{% endblock %}
