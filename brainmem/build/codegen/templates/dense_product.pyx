{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    {% if _when %}
    if {{get_array_name(_when)}}[{{_when.size - 1}}] == 0:
        return
    {% endif %}
    cdef long _trials = {{_trials}}
    cdef long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}} // _trials
    cdef long _rows = {{constant_or_scalar('N_post', variables['N_post'])}} // _trials
    cdef long _row, _column, _trial, _postsynaptic_idx, _presynaptic_idx
    {% if _visited %}
    {% from 'stale.pyx' import stale with context %}
    cdef bint _stale
    {{ stale('_columns') | autoindent }}
    if not _stale:
        return
    {% elif _formed %}
    # Nothing but the synapses changes these sums.
    if {{get_array_name(_formed)}}[0] == {{get_array_name(_changing)}}[0] + 1:
        return
    {{get_array_name(_formed)}}[0] = {{get_array_name(_changing)}}[0] + 1
    {% endif %}
    _vectorisation_idx = 1
    {% for block, target in _sums | dictsort %}
    {{scalar_code[block] | autoindent}}
    for _row in range({{'_columns' if _transposed else '_rows'}}):
        for _trial in range(_trials):
            {{get_array_name(target)}}[_row*_trials + _trial + {{'_source' if _transposed else '_target'}}_offset] = 0
    for _row in range(_rows):
        for _column in range(_columns):
            {% if not _diagonal %}
            if _column == _row + ({{(-_shift if _transposed else _shift) if _shift else 0}}):
                continue
            {% endif %}
            _idx = {{'_column*_rows + _row' if _by_columns else '_row*_columns + _column'}}
            for _trial in range(_trials):
                _presynaptic_idx = _column*_trials + _trial + _source_offset
                _postsynaptic_idx = _row*_trials + _trial + _target_offset
                _vectorisation_idx = _idx
                {{vector_code[block] | autoindent}}
                {{get_array_name(target)}}[{{'_presynaptic_idx' if _transposed else '_postsynaptic_idx'}}] += _synaptic_var
    {% endfor %}
{% endblock %}
