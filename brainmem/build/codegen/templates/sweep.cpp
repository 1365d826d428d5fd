{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% from 'dense_loops.cpp' import column, stale with context %}
    const long _units = {{_units}}, _rows = _units, _source_offset = 0, _target_offset = 0;
    const size_t _vectorisation_idx = -1;
    {% if _forms %}
    {{ stale('_units') }}
    if (_stale)
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
    static std::vector<int> _order(_units);
    {% set key = get_array_name(variables['site_key']) %}
    {% set parts = _apart(variables) if _spread else () %}
    {% if _spread %}
    // Trials lie side by side: each is taken out, visited in one piece, and what has changed is put back.
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
    {% if item is not sameas _change %}
    for (long _k = 0; _k < _units; _k++) _part_{{loop.index}}[_k] = _whole_{{loop.index}}[_k*{{_spread}} + _trial];
    {% endif %}
    {% endfor %}
    bool _any = false;
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
        {% if _spread %}
        _any = _any || _moved != 0;
        {% endif %}
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
    {% for item in parts if item in _written %}
    {{'' if item is sameas _change else 'if (_any) '}}for (long _k = 0; _k < _units; _k++)
        _whole_{{parts.index(item) + 1}}[_k*{{_spread}} + _trial] = {{get_array_name(item)}}[_k];
    {% endfor %}
    }
    {% for now, seen in _watched if now is sameas _state %}
    std::copy({{get_array_name(now)}}, {{get_array_name(now)}} + {{now.size}}, {{get_array_name(seen)}});
    {% endfor %}
{% endblock %}
