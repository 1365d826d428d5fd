{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    {% if _formed %}
    // Nothing but the synapses changes these sums.
    if ({{get_array_name(_formed)}}[0] == {{get_array_name(_changing)}}[0] + 1) return;
    {{get_array_name(_formed)}}[0] = {{get_array_name(_changing)}}[0] + 1;
    {% endif %}
    {% from 'dense_loops.cpp' import column, columns_of, inside, own, row, shut, synapse with context %}
    const long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}};
    const long _rows = {{constant_or_scalar('N_post', variables['N_post'])}};
    const size_t _vectorisation_idx = -1;
    {% if _updates %}
    // A gate is one number for all units.
    {% if _gate %}
    const bool _open = _rows > 0 && !({{ shut('_target_offset') }});
    {% if not _sums %}
    if (!_open) return;
    {% endif %}
    {% else %}
    const bool _open = true;
    {% endif %}
    {{get_array_name(_changing)}}[0] += _open;
    {% endif %}
    {% if _by_columns %}
    {% for block, target in _sums | dictsort %}
    {% set array = get_array_name(target) %}
    {
        {{scalar_code[block]|autoindent}}
        for (long _row = 0; _row < _rows; _row++) {{array}}[_row + _target_offset] = 0;
        for (long _column = 0; _column < _columns; _column++)
        {
            {{ column(vector_code[block], array ~ '[_postsynaptic_idx] += _synaptic_var;') }}
        }
    }
    {% endfor %}
    {% if _updates %}
    {{scalar_code['update']|autoindent}}
    {{ openmp_pragma('parallel-static') }}
    for (long _column = 0; _column < (_open ? _columns : 0); _column++)
    {
        {{ column(vector_code['update']) }}
    }
    {% endif %}
    {% else %}
    // Four rows at a time: a single sum would wait for its own additions.
    const long _blocks = (_rows + 3)/4;
    {% if _matrix %}
    {% set matrix = get_array_name(_matrix, access_data=False) %}
    const bool _backward = brainmem::backward<decltype({{matrix}}), {{matrix}}>();
    {% else %}
    const bool _backward = false;
    {% endif %}
    {{ openmp_pragma('parallel-static') }}
    for (long _block = 0; _block < _blocks; _block++)
    {
        const long _first = 4*(_backward ? _blocks - 1 - _block : _block);
        const long _last = _first + 4 < _rows ? _first + 4 : _rows;
        {% for block, target in _sums | dictsort %}
        {% set type = c_data_type(target.dtype) %}
        {% set array = get_array_name(target) %}
        {
            {{scalar_code[block]|autoindent}}
            if (_last - _first == 4)
            {
                {% for r in range(4) %}
                {{type}} _sum_{{r}} = 0;
                {% endfor %}
                {{ columns_of('_first', 4) }}
                {
                    {% for r in range(4) %}
                    { {{ synapse('_first + ' ~ r, vector_code[block]) }} _sum_{{r}} += _synaptic_var; }
                    {% endfor %}
                }
                {% if not _diagonal %}
                for (long _column = {{inside(own('_first'))}}; _column < {{inside(own('_first') ~ ' + 4')}}; _column++)
                {
                    {% for r in range(4) %}
                    if (_column != {{own('_first')}} + {{r}})
                    { {{ synapse('_first + ' ~ r, vector_code[block]) }} _sum_{{r}} += _synaptic_var; }
                    {% endfor %}
                }
                {% endif %}
                {% for r in range(4) %}
                {{array}}[_first + {{r}} + _target_offset] = _sum_{{r}};
                {% endfor %}
            }
            else
            for (long _row = _first; _row < _last; _row++)
            {
                {{type}} _sum = 0;
                {{ columns_of('_row', 1) }}
                { {{ synapse('_row', vector_code[block]) }} _sum += _synaptic_var; }
                {{array}}[_row + _target_offset] = _sum;
            }
        }
        {% endfor %}
        {% if _updates %}
        {
            {{scalar_code['update']|autoindent}}
            for (long _row = _first; _row < _last; _row++)
            {
                {% if _gate %}
                if ({{ shut('_row + _target_offset') }}) continue;
                {% endif %}
                {{ row(vector_code['update']) }}
            }
        }
        {% endif %}
    }
    {% endif %}
{% endblock %}
