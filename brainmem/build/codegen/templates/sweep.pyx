{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    cdef long _units = {{_units}}
    cdef long _row, _column, _visit, _trial, _element, _postsynaptic_idx, _presynaptic_idx
    cdef bint _stale
    cdef {{cpp_dtype(_state.dtype)}} _before, _moved
    cdef _numpy.ndarray[_numpy.int64_t, ndim=1] _order = _numpy.empty({{_units}}, dtype=_numpy.int64)
    {% set key = get_array_name(variables['site_key']) %}
    _vectorisation_idx = 1
    {% for block in scalar_code if block.startswith('sum_') %}
    {{scalar_code[block] | autoindent}}
    {% endfor %}
    {% if _forms %}
    {% from 'stale.pyx' import stale with context %}
    {{ stale('_units') | autoindent }}
    if _stale:
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
                _idx = _column*_units + _row
                _vectorisation_idx = _idx
                {{vector_code[block] | autoindent}}
                {{get_array_name(target)}}[_row] += _synaptic_var
        {% endfor %}
    {% endif %}
    {% set many = _spread or 1 %}
    for _trial in range({{many}}):
        {% if _stops %}
        if {{get_array_name(_stops)}}[_trial] > 0.5:
            continue
        {% endif %}
        {{key}}[0] = _site_key({{get_array_name(variables['_seed'])}}[0], {{get_array_name(variables['_sweep'])}}[0], {{_place}}, _trial)
        _site_order({{key}}[0], _units, <long long*>_order.data)
        {% for block in ('visit', 'follow') %}
        {{scalar_code[block] | autoindent}}
        {% endfor %}
        for _visit in range(_units):
            _column = _order[_visit]
            _element = _column*{{many}} + _trial
            _before = {{get_array_name(_state)}}[_element]
            {{_unit}} = _element
            _vectorisation_idx = _element
            {{vector_code['visit'] | autoindent}}
            _moved = {{get_array_name(_state)}}[_element] - _before
            {{get_array_name(_change)}}[_element] = _moved
            {% if _follows %}
            if _moved == 0:
                continue
            _presynaptic_idx = _element
            for _row in range(_units):
                {% if not _diagonal %}
                if _row == _column:
                    continue
                {% endif %}
                _postsynaptic_idx = _row*{{many}} + _trial
                _idx = {{'_element' if _listed else '_column'}}*(_units{{' - 1) + _row - (1 if _row > _column else 0)' if _listed and not _diagonal else ') + _row'}}
                _vectorisation_idx = _idx
                {{vector_code['follow'] | autoindent}}
            {% endif %}
    {% for now, seen in _watched if now is sameas _state %}
    for _row in range({{now.size}}):
        {{get_array_name(seen)}}[_row] = {{get_array_name(now)}}[_row]
    {% endfor %}
{% endblock %}
