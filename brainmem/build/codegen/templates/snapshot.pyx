{# USES_VARIABLES { t, _clock_t, _size, N, _flag } #}
{% extends 'common_group.pyx' %}

{% block maincode %}
    cdef size_t _new_len = {{N}} + 1
    cdef size_t _i
    {% for varname, var in _recorded_variables | dictsort %}
    cdef _numpy.ndarray[{{cpp_dtype(variables[varname].dtype)}}, ndim=2, mode='c'] _record_buf_{{varname}}
    cdef {{cpp_dtype(variables[varname].dtype)}}* _record_data_{{varname}}
    {% endfor %}
    if {% if _at %}{% for _number in _at %}{{_flag}}[0] == {{_number}}{% if not loop.last %} or {% endif %}{% endfor %}{% else %}{{_flag}}[0] > 0.5{% endif %}:
        _var_t.resize(_new_len)
        _var_t.get_value()[_new_len-1] = {{_clock_t}}
        _vectorisation_idx = 1
        {{ scalar_code | autoindent }}
        {% for varname, var in _recorded_variables | dictsort %}
        _var_{{varname}}.resize((_new_len, _size))
        _record_buf_{{varname}} = _var_{{varname}}.get_value()
        _record_data_{{varname}} = <{{cpp_dtype(variables[varname].dtype)}}*> _record_buf_{{varname}}.data
        {% endfor %}
        for _i in range(_size):
            _idx = _i
            _vectorisation_idx = _idx
            {{ vector_code | autoindent }}
            {% for varname, var in _recorded_variables | dictsort %}
            _record_data_{{varname}}[(_new_len-1)*_size + _i] = _to_record_{{varname}}
            {% endfor %}
        {{N}} = _new_len
{% endblock %}
