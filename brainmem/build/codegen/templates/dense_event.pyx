{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    {# Columns without that in which a row meets itself, which may lie beside the matrix. #}
    {% set own = '_row' if _shift is none else 'max(0, min(_columns, _row + (%d)))' % _shift %}
    {% set behind = '_row + 1' if _shift is none else 'max(0, min(_columns, _row + (%d)))' % (_shift + 1) %}
    {% set columns = '0, _columns' if _diagonal else '(%s)*_part, _columns if _part else %s' % (behind, own) %}
    {% set events = get_array_name(_events) %}
    cdef long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}}
    cdef long _rows = {{constant_or_scalar('N_post', variables['N_post'])}}
    cdef long _row, _column, _number, _part, _postsynaptic_idx, _presynaptic_idx
    cdef long _count = {{events}}[{{_events.size - 1}}]
    if _count > 0:
        {{get_array_name(_changing)}}[0] += 1
    _vectorisation_idx = 1
    {{scalar_code['update'] | autoindent}}
    {% if _side == 'post' %}
    for _number in range(_count):
        _row = {{events}}[_number] - _target_offset
        if _row < 0 or _row >= _rows:
            continue
        _postsynaptic_idx = _row + _target_offset
        for _part in range({{1 if _diagonal else 2}}):
            for _column in range({{columns}}):
                _presynaptic_idx = _column + _source_offset
                _idx = {{'_column*_rows + _row' if _by_columns else '_row*_columns + _column'}}
                _vectorisation_idx = _idx
                {{vector_code['update'] | autoindent}}
    {% else %}
    for _row in range(_rows):
        _postsynaptic_idx = _row + _target_offset
        for _number in range(_count):
            _column = {{events}}[_number] - _source_offset
            if _column < 0 or _column >= _columns{{'' if _diagonal else ' or _column == _row + (%d)' % (_shift or 0)}}:
                continue
            _presynaptic_idx = _column + _source_offset
            _idx = {{'_column*_rows + _row' if _by_columns else '_row*_columns + _column'}}
            _vectorisation_idx = _idx
            {{vector_code['update'] | autoindent}}
    {% endif %}
{% endblock %}
