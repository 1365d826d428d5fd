{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    {% set values = get_array_name(_target_var) %}
    const int _size = {{constant_or_scalar(_target_size_name, variables[_target_size_name])}};
    for (int _unit = 0; _unit < _size; _unit++)
        {{values}}[_unit + {{_target_start}}] = {{'' if _least else '-'}}INFINITY;
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int _idx = 0; _idx < {{N}}; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
        {{c_data_type(_target_var.dtype)}}& _found = {{values}}[{{get_array_name(_index_var)}}[_idx]];
        // What is no number is neither less nor greater; once found, it stays.
        if (_synaptic_var {{'<' if _least else '>'}} _found || _synaptic_var != _synaptic_var) _found = _synaptic_var;
    }
{% endblock %}
