{# USES_VARIABLES { N } #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    {% if _when %}
    if {{get_array_name(_when)}}[{{_when.size - 1}}] == 0:
        return
    {% endif %}
    {% set values = get_array_name(_target_var) %}
    cdef int _unit
    for _unit in range({{constant_or_scalar(_target_size_name, variables[_target_size_name])}}):
        {{values}}[_unit + {{_target_start}}] = {{'' if _least else '-'}}_numpy.inf
    _vectorisation_idx = 1
    {{scalar_code|autoindent}}
    for _idx in range({{N}}):
        _vectorisation_idx = _idx
        {{vector_code|autoindent}}
        _unit = {{get_array_name(_index_var)}}[_idx]
        # What is no number is neither less nor greater; once found, it stays.
        if _synaptic_var {{'<' if _least else '>'}} {{values}}[_unit] or _synaptic_var != _synaptic_var:
            {{values}}[_unit] = _synaptic_var
{% endblock %}
