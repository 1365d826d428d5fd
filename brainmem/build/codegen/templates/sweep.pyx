{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.pyx' %}

{% macro index() -%}
{{ '_column*(_units - 1) + _row - (1 if _row > _column else 0)' if _listed and not _diagonal else '_column*_units + _row' }}
{%- endmacro %}

{% block maincode %}
    cdef long _units = {{_units}}
    cdef long _row, _column, _visit, _postsynaptic_idx, _presynaptic_idx
    cdef {{cpp_dtype(_state.dtype)}} _before, _moved
    cdef _numpy.ndarray[_numpy.int64_t, ndim=1] _order = _numpy.empty({{_units}}, dtype=_numpy.int64)
    {% set key = get_array_name(variables['site_key']) %}
    {{key}}[0] = _site_key({{get_array_name(variables['_seed'])}}[0], {{get_array_name(variables['_sweep'])}}[0], {{_place}}, 0)
    _site_order({{key}}[0], {{_units}}, <long long*>_order.data)
    _vectorisation_idx = 1
    {% for block in scalar_code if block != 'order' %}
    {{scalar_code[block] | autoindent}}
    {% endfor %}
    {% if _sums %}
    {% if _changing %}
    {% set formed, changing, age = get_array_name(_formed), get_array_name(_changing), get_array_name(_age) %}
    cdef bint _stale = {{formed}}[0] != {{changing}}[0] + 1 or {{age}}[0] >= _units
    {% for now, seen in _watched %}
    for _row in range({{now.size}}):
        _stale = _stale or {{get_array_name(now)}}[_row] != {{get_array_name(seen)}}[_row]
    {% endfor %}
    {{age}}[0] = 1 if _stale else {{age}}[0] + 1
    if _stale:
        {{formed}}[0] = {{changing}}[0] + 1
        {% for now, seen in _watched if now is not sameas _state %}
        for _row in range({{now.size}}):
            {{get_array_name(seen)}}[_row] = {{get_array_name(now)}}[_row]
        {% endfor %}
    {% else %}
    if True:
    {% endif %}
        {% for block, target in _sums | dictsort %}
        for _row in range(_units):
            {{get_array_name(target)}}[_row] = 0
        for _column in range(_units):
            _presynaptic_idx = _column
            for _row in range(_units):
                {% if not _diagonal %}
                if _row == _column:
                    continue
                {% endif %}
                _postsynaptic_idx = _row
                _idx = {{ index() }}
                _vectorisation_idx = _idx
                {{vector_code[block] | autoindent}}
                {{get_array_name(target)}}[_row] += _synaptic_var
        {% endfor %}
    {% endif %}
    for _visit in range(_units):
        _column = _order[_visit]
        _before = {{get_array_name(_state)}}[_column]
        {{_unit}} = _column
        _vectorisation_idx = _column
        {{vector_code['visit'] | autoindent}}
        _moved = {{get_array_name(_state)}}[_column] - _before
        {{get_array_name(_change)}}[_column] = _moved
        {% if _follows %}
        if _moved == 0:
            continue
        _presynaptic_idx = _column
        for _row in range(_units):
            {% if not _diagonal %}
            if _row == _column:
                continue
            {% endif %}
            _postsynaptic_idx = _row
            _idx = {{ index() }}
            _vectorisation_idx = _idx
            {{vector_code['follow'] | autoindent}}
        {% endif %}
    {% for now, seen in _watched if now is sameas _state %}
    for _row in range({{now.size}}):
        {{get_array_name(seen)}}[_row] = {{get_array_name(now)}}[_row]
    {% endfor %}
{% endblock %}
