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
    cdef long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}}
    cdef long _rows = {{constant_or_scalar('N_post', variables['N_post'])}}
    cdef long _row, _column, _postsynaptic_idx, _presynaptic_idx
    _vectorisation_idx = 1
    {% for block, target in _sums | dictsort %}
    {{scalar_code[block] | autoindent}}
    for _column in range(_columns):
        {{get_array_name(target)}}[_column + _source_offset] = 0
    for _row in range(_rows):
        _postsynaptic_idx = _row + _target_offset
        for _column in range(_columns):
            {% if not _diagonal %}
            if _column == _row + ({{_shift or 0}}):
                continue
            {% endif %}
            _presynaptic_idx = _column + _source_offset
            _idx = {{'_column*_rows + _row' if _by_columns else '_row*_columns + _column'}}
            _vectorisation_idx = _idx
            {{vector_code[block] | autoindent}}
            {{get_array_name(target)}}[_presynaptic_idx] += _synaptic_var
    {% endfor %}
{% endblock %}
