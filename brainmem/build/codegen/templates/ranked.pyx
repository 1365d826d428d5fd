{# USES_VARIABLES { N } #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    {% if _when %}
    if {{get_array_name(_when)}}[{{_when.size - 1}}] == 0:
        return
    {% endif %}
    {% set ranks = get_array_name(_rank) %}
    cdef double[::1] _keys = _numpy.empty({{constant_or_scalar('N', variables['N'])}})
    _vectorisation_idx = 1
    {{scalar_code|autoindent}}
    for _idx in range({{constant_or_scalar('N', variables['N'])}}):
        _vectorisation_idx = _idx
        {{vector_code|autoindent}}
        _keys[_idx] = _key
    _table = _numpy.asarray(_keys).reshape(-1, {{_trials}})
    _order = _numpy.argsort(-_table, axis=0, kind="stable")
    _places = _numpy.empty(_table.shape)
    _numpy.put_along_axis(_places, _order, _numpy.broadcast_to(_numpy.arange(len(_table), dtype=float)[:, None], _order.shape), axis=0)
    _places[:, _numpy.isnan(_table).any(axis=0)] = _numpy.nan
    cdef double[::1] _found = _places.reshape(-1)
    for _idx in range({{constant_or_scalar('N', variables['N'])}}):
        {{ranks}}[_idx] = _found[_idx]
{% endblock %}
