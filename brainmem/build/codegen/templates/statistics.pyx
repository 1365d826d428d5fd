{# USES_VARIABLES { N, N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    {% if _when %}
    if {{get_array_name(_when)}}[{{_when.size - 1}}] == 0:
        return
    {% endif %}
    cdef long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}}
    cdef long _rows = {{constant_or_scalar('N_post', variables['N_post'])}}
    cdef long _row, _column, _kind, _k, _postsynaptic_idx, _presynaptic_idx
    {% for gate in _gate %}
    if _rows == 0 or {{get_array_name(gate)}}[{{_starts[1]}}] == 0:
        return
    {% endfor %}
    {% set place = '_column*_rows + _row' if _by_columns else '_row*_columns + _column' %}
    {# The places of the synapses that exist, in the order of their values. #}
    {% if _dense %}
    _rows_of, _columns_of = _numpy.indices((_rows, _columns))
    _exists = _numpy.ones((_rows, _columns), dtype=_numpy.bool_){{'' if _diagonal else ' & (_columns_of != _rows_of + (%d))' % _offset}}
    _here = (_rows_of*_columns + _columns_of)[_exists]
    _places = ({{'_columns_of*_rows + _rows_of' if _by_columns else '_rows_of*_columns + _columns_of'}})[_exists]
    cdef _numpy.ndarray[_numpy.float64_t, ndim=1] _values = _numpy.zeros(_rows*_columns)
    {% else %}
    _places = slice(None)
    cdef _numpy.ndarray[_numpy.float64_t, ndim=1] _values = _numpy.zeros({{N}})
    {% endif %}
    {% if _shuffles %}
    from brainmem.text.shuffles import tied_places as _tied_places
    cdef _numpy.ndarray[_numpy.int64_t, ndim=1] _order
    _tied = _tied_places(_rows, _columns, {{_recurrent}}, {{_diagonal}}, {{_offset}})
    _whole = _numpy.zeros(_rows*_columns)
    {% if not _dense %}
    _here = _numpy.array([({{get_array_name(variables['_synaptic_post'])}}[_k] - {{_starts[1]}})*_columns + {{get_array_name(variables['_synaptic_pre'])}}[_k] - {{_starts[0]}} for _k in range({{N}})], dtype=_numpy.int64)
    {% endif %}
    {% endif %}
    {% for k, item in _statistics %}
    {% set block, array = 'of_%d' % k, get_array_name(variables[item.variable]) %}
    _vectorisation_idx = 1
    {{scalar_code[block] | autoindent}}
    {% if _dense %}
    for _row in range(_rows):
        _postsynaptic_idx = _row + _target_offset
        for _column in range(_columns):
            {% if not _diagonal %}
            if _column == _row + ({{_offset}}):
                continue
            {% endif %}
            _presynaptic_idx = _column + _source_offset
            _idx = {{place}}
            _vectorisation_idx = _idx
            {{vector_code[block] | autoindent}}
            _values[_idx] = _synaptic_var
    {% else %}
    for _idx in range({{N}}):
        _vectorisation_idx = _idx
        {{vector_code[block] | autoindent}}
        _values[_idx] = _synaptic_var
    {% endif %}
    {% if item.kind == 'mean' %}
    {{array}}[0] = _numpy.mean(_values[_places])
    {% elif item.kind == 'quantile' %}
    {{scalar_code['q_%d' % k] | autoindent}}
    {{array}}[0] = _numpy.quantile(_values[_places], _q_{{k}})
    {% else %}
    _whole[_here] = _values[_places]
    _shuffled = _whole.copy()
    for _kind, _ends in enumerate(((_tied[0], _tied[1]), (_tied[2],), (_tied[3],))):
        _order = _numpy.empty(len(_ends[0]), dtype=_numpy.int64)
        _site_order(_site_key({{get_array_name(_own['seed'])}}[0], {{get_array_name(_own['update'])}}[0], {{item.rule}}, {{3*item.call}} + _kind), len(_ends[0]), <long long*>_order.data)
        for _end in _ends:
            _shuffled[_end] = _whole[_end[_order]]
    _values[_places] = _shuffled[_here]
    for _k in range(_values.shape[0]):
        {{array}}[_k] = _values[_k]
    {% endif %}
    {% endfor %}
    {% if _shuffles %}
    {{get_array_name(_own['update'])}}[0] += 1
    {% endif %}
{% endblock %}
