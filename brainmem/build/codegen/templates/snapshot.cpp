{# USES_VARIABLES { t, _clock_t, _size, N, _flag } #}
{# WRITES_TO_READ_ONLY_VARIABLES { t, N } #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {# So that what is never recorded has no rows, but its width. #}
    {% for varname, var in _recorded_variables | dictsort %}
    {% set _recorded = get_array_name(var, access_data=False) %}
    if ({{_recorded}}.m == 0)
        {{_recorded}}.resize({{_recorded}}.n, _size);
    {% endfor %}
    if ({% if _at %}{% for _number in _at %}{{_flag}}[0] == {{_number}}{% if not loop.last %} || {% endif %}{% endfor %}{% else %}{{_flag}}[0] > 0.5{% endif %})
    {
        {{_dynamic_t}}.push_back({{_clock_t}});
        const size_t _new_size = {{_dynamic_t}}.size();
        {% for varname, var in _recorded_variables | dictsort %}
        {% set _recorded = get_array_name(var, access_data=False) %}
        {{_recorded}}.resize(_new_size, _size);
        {% endfor %}

        const size_t _vectorisation_idx = -1;
        {{scalar_code|autoindent}}

        for (int _i = 0; _i < (int)_size; _i++)
        {
            const size_t _idx = _i;
            const size_t _vectorisation_idx = _idx;
            {{vector_code|autoindent}}
            {% for varname, var in _recorded_variables | dictsort %}
            {% set _recorded = get_array_name(var, access_data=False) %}
            {{_recorded}}(_new_size-1, _i) = _to_record_{{varname}};
            {% endfor %}
        }
        {{N}} = _new_size;
    }
{% endblock %}
