{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    {% if _when %}
    if {{get_array_name(_when)}}[{{_when.size - 1}}] == 0:
        return
    {% endif %}
    {% if _formed %}
    # Nothing but the synapses changes these sums.
    if {{get_array_name(_formed)}}[0] == {{get_array_name(_changing)}}[0] + 1:
        return
    {{get_array_name(_formed)}}[0] = {{get_array_name(_changing)}}[0] + 1
    {% endif %}
    {# Columns without that in which a row meets itself, which may lie beside the matrix. #}
    {% set own = '_row' if _shift is none else 'max(0, min(_columns, _row + (%d)))' % _shift %}
    {% set behind = '_row + 1' if _shift is none else 'max(0, min(_columns, _row + (%d)))' % (_shift + 1) %}
    {% set columns = '0, _columns' if _diagonal else '(%s)*_part, _columns if _part else %s' % (behind, own) %}
    cdef long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}}
    cdef long _rows = {{constant_or_scalar('N_post', variables['N_post'])}}
    cdef long _row, _column, _part, _postsynaptic_idx, _presynaptic_idx
    {% for block, target in _sums | dictsort %}
    cdef {{cpp_dtype(target.dtype)}} _total_{{block}}
    {% endfor %}
    _vectorisation_idx = 1
    {% for block in scalar_code %}
    {{scalar_code[block] | autoindent}}
    {% endfor %}
    {% if _updates %}
    if {% for gate in _gate %}{{get_array_name(gate)}}[_target_offset] != 0 and {% endfor %}_rows > 0:
        {{get_array_name(_changing)}}[0] += 1
    {% endif %}
    for _row in range(_rows):
        _postsynaptic_idx = _row + _target_offset
        {% for block, target in _sums | dictsort %}
        _total_{{block}} = 0
        for _part in range({{1 if _diagonal else 2}}):
            for _column in range({{columns}}):
                _presynaptic_idx = _column + _source_offset
                _idx = {{'_column*_rows + _row' if _by_columns else '_row*_columns + _column'}}
                _vectorisation_idx = _idx
                {{vector_code[block] | autoindent}}
                _total_{{block}} += _synaptic_var
        {{get_array_name(target)}}[_postsynaptic_idx] = _total_{{block}}
        {% endfor %}
        {% if _updates %}
        {% if _gate %}
        if {% for gate in _gate %}{{get_array_name(gate)}}[_postsynaptic_idx] == 0{% if not loop.last %} or {% endif %}{% endfor %}:
            continue
        {% endif %}
        for _part in range({{1 if _diagonal else 2}}):
            for _column in range({{columns}}):
                _presynaptic_idx = _column + _source_offset
                _idx = {{'_column*_rows + _row' if _by_columns else '_row*_columns + _column'}}
                _vectorisation_idx = _idx
                {{vector_code['update'] | autoindent}}
        {% endif %}
{% endblock %}
