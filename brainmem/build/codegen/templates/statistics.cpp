{# USES_VARIABLES { N, N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% from 'dense_loops.cpp' import column, columns_of, inside, own, place, shut, synapse with context %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    const long _columns = {{constant_or_scalar('N_pre', variables['N_pre'])}};
    const long _rows = {{constant_or_scalar('N_post', variables['N_post'])}};
    {% if _gate %}
    if (_rows == 0 || {{ shut(_starts[1]) }}) return;
    {% endif %}
    const size_t _vectorisation_idx = -1;
    long _absent = 0;
    {% if _dense and not _diagonal %}
    for (long _row = 0; _row < _rows; _row++) _absent += {{own('_row')}} >= 0 && {{own('_row')}} < _columns;
    {% endif %}
    {% if _shuffles %}
    // Where the values stand that are shuffled among each other: pairs of synapses that join two units both ways, those
    // without such a counterpart, and those of units to themselves; each in the order of rows.
    static std::vector<long> _above, _below, _single, _itself;
    static std::vector<int> _order;
    if (_above.empty() && _single.empty() && _itself.empty())
    {
        {% if not _dense %}
        std::vector<long> _at(_rows*_columns, -1);
        for (long _idx = 0; _idx < {{N}}; _idx++)
            _at[({{get_array_name(variables['_synaptic_post'])}}[_idx] - {{_starts[1]}})*_columns + {{get_array_name(variables['_synaptic_pre'])}}[_idx] - {{_starts[0]}}] = _idx;
        {% endif %}
        for (long _row = 0; _row < _rows; _row++)
        for (long _column = 0; _column < _columns; _column++)
        {
            const long _place = {{ place('_row') if _dense else '_at[_row*_columns + _column]' }};
            {% if _recurrent %}
            const long _mine = _row + ({{_offset}}), _back = _column - ({{_offset}});
            if (_column == _mine) { {{'_itself.push_back(_place);' if _diagonal else ''}} continue; }
            if (_back >= 0 && _back < _rows && _mine >= 0 && _mine < _columns)
            {
                if (_column < _mine) continue;
                _above.push_back(_place);
                {% if not _dense %}
                _below.push_back(_at[_back*_columns + _mine]);
                {% elif _by_columns %}
                _below.push_back(_mine*_rows + _back);
                {% else %}
                _below.push_back(_back*_columns + _mine);
                {% endif %}
                continue;
            }
            {% endif %}
            _single.push_back(_place);
        }
    }
    {% endif %}
    {% for k, item in _statistics %}
    {% set target = variables[item.variable] %}
    {% set type = c_data_type(target.dtype) %}
    {
        {% set block = 'of_%d' % k %}
        static std::vector<{{type}}> _values;
        _values.resize({{'_rows*_columns' if _dense else N}});
        {{scalar_code[block]|autoindent}}
        {# Vector functions may give equal numbers in the last digit others than scalar ones, which end the loop. #}
        {% set keep = '_values[_idx] = _synaptic_var;' ~ (' asm volatile("");' if item.kind == 'shuffle' and _recurrent else '') %}
        {% if not _dense %}
        for (long _idx = 0; _idx < {{N}}; _idx++)
        {
            const size_t _vectorisation_idx = _idx;
            {{vector_code[block]|autoindent}}
            {{keep}}
        }
        {% elif _by_columns %}
        {{ openmp_pragma('parallel-static') }}
        for (long _column = 0; _column < _columns; _column++)
        {
            {{ column(vector_code[block], keep) }}
        }
        {% else %}
        {{ openmp_pragma('parallel-static') }}
        for (long _row = 0; _row < _rows; _row++)
        {
            {{ columns_of('_row', 1) }}
            { {{ synapse('_row', vector_code[block]) }} {{keep}} }
        }
        {% endif %}
        {% set array = get_array_name(target) %}
        {% if item.kind == 'shuffle' %}
        const std::vector<long>* const _ends[3][2] = { {&_above, &_below}, {&_single, NULL}, {&_itself, NULL} };
        for (int _kind = 0; _kind < 3; _kind++)
        {
            const long _size = _ends[_kind][0]->size();
            _order.resize(_size);
            _site_order(_site_key({{get_array_name(_own['seed'])}}[0], {{get_array_name(_own['update'])}}[0], {{item.rule}}, {{3*item.call}} + _kind), _size, _order.data());
            for (int _end = 0; _end < 2 && _ends[_kind][_end]; _end++)
            {
                const std::vector<long>& _places = *_ends[_kind][_end];
                for (long _k = 0; _k < _size; _k++) {{array}}[_places[_k]] = _values[_places[_order[_k]]];
            }
        }
        {% elif item.kind == 'mean' %}
        // Places of synapses that do not exist hold 0. Several sums do not wait for each other.
        double _sums[8] = {0};
        const size_t _size = _values.size(), _eights = _size/8*8;
        for (size_t _k = 0; _k < _eights; _k += 8)
            for (int _part = 0; _part < 8; _part++) _sums[_part] += _values[_k + _part];
        double _sum = 0;
        for (size_t _k = _eights; _k < _size; _k++) _sum += _values[_k];
        for (int _part = 0; _part < 8; _part++) _sum += _sums[_part];
        {{array}}[0] = _sum/(double)(_size - _absent);
        {% else %}
        {{scalar_code['q_%d' % k]|autoindent}}
        static std::vector<{{type}}> _sorted;
        {% if _dense and not _diagonal %}
        _sorted.clear();
        for (long _row = 0; _row < _rows; _row++)
        for (long _column = 0; _column < _columns; _column++)
            if (_column != {{own('_row')}}) _sorted.push_back(_values[{{ place('_row') }}]);
        {% else %}
        _sorted = _values;
        {% endif %}
        const size_t _size = _sorted.size();
        bool _number = _size > 0;
        for (size_t _k = 0; _k < _size; _k++) _number = _number && _sorted[_k] == _sorted[_k];
        if (!_number) {{array}}[0] = NAN;
        else
        {
            // As numpy's: linear between the two values that lie next to the place q of the way from the first to the last.
            const double _place = (_size - 1)*(double)_q_{{k}};
            const size_t _low = (size_t)std::floor(_place);
            std::nth_element(_sorted.begin(), _sorted.begin() + _low, _sorted.end());
            const double _lower = _sorted[_low], _part = _place - _low;
            const double _upper = _low + 1 < _size ? *std::min_element(_sorted.begin() + _low + 1, _sorted.end()) : _lower;
            {{array}}[0] = _part < 0.5 ? _lower + (_upper - _lower)*_part : _upper - (_upper - _lower)*(1 - _part);
        }
        {% endif %}
    }
    {% endfor %}
    {% if _shuffles %}
    {{get_array_name(_own['update'])}}[0] += 1;
    {% endif %}
{% endblock %}
