{# USES_VARIABLES { N_pre, N_post, _source_offset, _target_offset } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    {% set over, onto = ('N_post', 'N_pre') if _transposed else ('N_pre', 'N_post') %}
    {% if _visited %}
    {% from 'dense_loops.cpp' import stale with context %}
    {{ stale(constant_or_scalar(over, variables[over]) ~ '/' ~ _trials) }}
    if (!_stale) return;
    {% elif _formed %}
    // Nothing but the synapses changes these sums.
    if ({{get_array_name(_formed)}}[0] == {{get_array_name(_changing)}}[0] + 1) return;
    {{get_array_name(_formed)}}[0] = {{get_array_name(_changing)}}[0] + 1;
    {% endif %}
    {% from 'dense_loops.cpp' import indexed, own with context %}
    const long _trials = {{_trials}};
    {# The sum of a row runs over columns; rows are the units that take it, of either end of the synapses. #}
    {% set over_offset, onto_offset = ('_target_offset', '_source_offset') if _transposed else ('_source_offset', '_target_offset') %}
    const long _columns = {{constant_or_scalar(over, variables[over])}} / _trials;
    const long _rows = {{constant_or_scalar(onto, variables[onto])}} / _trials;
    const long _over = {{over_offset}}, _onto = {{onto_offset}};
    const size_t _vectorisation_idx = -1;
    {% for block, target in _sums | dictsort %}
    {% set k = block[4:] %}
    {% set array = get_array_name(target) %}
    {
        typedef {{c_data_type(target.dtype)}} _number;
        {% if _factored[block] %}
        // A tile of 6 rows and 2 vectors of trials stays in registers; _depth columns of it stay in the cache.
    #ifdef __AVX512F__
        typedef _number _vector __attribute__((vector_size(64), aligned(sizeof(_number)), may_alias));
    #else
        typedef _number _vector __attribute__((vector_size(32), aligned(sizeof(_number)), may_alias));
    #endif
        const long _lanes = sizeof(_vector)/sizeof(_number), _width = 2*_lanes, _height = 96, _depth = 256;
        const long _stride = _depth + 8;
        const long _chunks = (_trials + _width - 1)/_width;
        static std::vector<_number> _panels;
        _panels.resize(_chunks*_width*_depth);
        _number* const _packed_panels = &_panels[0];
        {{scalar_code['own_' ~ k]|autoindent}}
        {{scalar_code[_over ~ '_' ~ k]|autoindent}}
        for (long _first = 0; _first < _columns; _first += _depth)
        {
            const long _count = _first + _depth < _columns ? _depth : _columns - _first;
            {{ openmp_pragma('parallel-static') }}
            for (long _column = 0; _column < _count; _column++)
            for (long _chunk = 0; _chunk < _chunks; _chunk++)
            {
                _number* __restrict _packed = _packed_panels + (_chunk*_count + _column)*_width;
                const long _begin = (_first + _column)*_trials + _chunk*_width + _over;
                const long _valid = _trials - _chunk*_width;
                if (_valid >= _width)
                    for (long _lane = 0; _lane < _width; _lane++)
                    { {{ indexed(vector_code[_over ~ '_' ~ k], '_lane', '0' if _transposed else '_begin + _lane', '_begin + _lane' if _transposed else '0') }} _packed[_lane] = _{{_over}}; }
                else
                {
                    for (long _lane = 0; _lane < _valid; _lane++)
                    { {{ indexed(vector_code[_over ~ '_' ~ k], '_lane', '0' if _transposed else '_begin + _lane', '_begin + _lane' if _transposed else '0') }} _packed[_lane] = _{{_over}}; }
                    for (long _lane = _valid; _lane < _width; _lane++) _packed[_lane] = 0;
                }
            }
            {{ openmp_pragma('parallel-static') }}
            for (long _top = 0; _top < _rows; _top += _height)
            {
                const long _here = _top + _height < _rows ? _height : _rows - _top;
                const long _padded = (_here + 5)/6*6;
                static thread_local std::vector<_number> _tiles;
                _tiles.resize(_height*_stride);
                _number* const _packed_tiles = &_tiles[0];
                for (long _row = 0; _row < _padded; _row++)
                {
                    _number* __restrict _packed = _packed_tiles + _row*_stride;
                    {% if _transposed != _by_columns %}
                    const long _begin = _first*_rows + _top + _row, _step = _rows;
                    {% else %}
                    const long _begin = (_top + _row)*_columns + _first, _step = 1;
                    {% endif %}
                    if (_row < _here)
                        for (long _column = 0; _column < _count; _column++)
                        { {{ indexed(vector_code['own_' ~ k], '_begin + _column*_step', '0', '0') }} _packed[_column] = _own; }
                    else
                        for (long _column = 0; _column < _count; _column++) _packed[_column] = 0;
                    {% if not _diagonal %}
                    const long _self = {{own('_top + _row')}} - _first;
                    if (_self >= 0 && _self < _count) _packed[_self] = 0;
                    {% endif %}
                }
                for (long _chunk = 0; _chunk < _chunks; _chunk++)
                for (long _row = 0; _row < _padded; _row += 6)
                {
                    const _number* __restrict _panel = _packed_panels + _chunk*_count*_width;
                    {% for r in range(6) %}
                    const _number* __restrict _row_{{r}} = _packed_tiles + (_row + {{r}})*_stride;
                    _vector _left_{{r}} = {0}, _right_{{r}} = {0};
                    {% endfor %}
                    const long _valid = _trials - _chunk*_width;
                    if (_valid > _lanes)
                        for (long _column = 0; _column < _count; _column++)
                        {
                            const _vector _left = *(const _vector*)(_panel + _column*_width);
                            const _vector _right = *(const _vector*)(_panel + _column*_width + _lanes);
                            {% for r in range(6) %}
                            _left_{{r}} += _row_{{r}}[_column]*_left;
                            _right_{{r}} += _row_{{r}}[_column]*_right;
                            {% endfor %}
                        }
                    else
                        for (long _column = 0; _column < _count; _column++)
                        {
                            const _vector _left = *(const _vector*)(_panel + _column*_width);
                            {% for r in range(6) %}
                            _left_{{r}} += _row_{{r}}[_column]*_left;
                            {% endfor %}
                        }
                    {% for r in range(6) %}
                    if (_row + {{r}} < _here)
                    {
                        _number* _out = {{array}} + (_top + _row + {{r}})*_trials + _chunk*_width + _onto;
                        if (_valid >= _width)
                        {
                            if (_first) { _left_{{r}} += *(_vector*)_out; _right_{{r}} += *(_vector*)(_out + _lanes); }
                            *(_vector*)_out = _left_{{r}};
                            *(_vector*)(_out + _lanes) = _right_{{r}};
                        }
                        else
                            for (long _lane = 0; _lane < _valid; _lane++)
                            {
                                const _number _sum = _lane < _lanes ? _left_{{r}}[_lane] : _right_{{r}}[_lane - _lanes];
                                _out[_lane] = _first ? _out[_lane] + _sum : _sum;
                            }
                    }
                    {% endfor %}
                }
            }
        }
        {% set onto_code = _onto ~ '_' ~ k %}
        {% if _onto in _factored[block] %}
        {{scalar_code[onto_code]|autoindent}}
        for (long _unit = 0; _unit < _rows*_trials; _unit++)
        {
            {{ indexed(vector_code[onto_code], '_unit', '_unit + _onto' if _transposed else '0', '0' if _transposed else '_unit + _onto') }}
            {{array}}[_unit + _onto] *= _{{_onto}};
        }
        {% endif %}
        {% else %}
        {% set synapse = '_column*_rows + _row' if _transposed != _by_columns else '_row*_columns + _column' %}
        {{scalar_code[block]|autoindent}}
        {{ openmp_pragma('parallel-static') }}
        for (long _row = 0; _row < _rows; _row++)
        {
            static thread_local std::vector<_number> _totals;
            _totals.assign(_trials, 0);
            _number* __restrict _sum = &_totals[0];
            for (long _column = 0; _column < _columns; _column++)
            {
                {% if not _diagonal %}
                if (_column == {{own('_row')}}) continue;
                {% endif %}
                for (long _trial = 0; _trial < _trials; _trial++)
                {
                    {% if _transposed %}
                    {{ indexed(vector_code[block], synapse, '_row*_trials + _trial + _onto',
                               '_column*_trials + _trial + _over') }}
                    {% else %}
                    {{ indexed(vector_code[block], synapse, '_column*_trials + _trial + _over',
                               '_row*_trials + _trial + _onto') }}
                    {% endif %}
                    _sum[_trial] += _synaptic_var;
                }
            }
            for (long _trial = 0; _trial < _trials; _trial++)
                {{array}}[_row*_trials + _trial + _onto] = _sum[_trial];
        }
        {% endif %}
    }
    {% endfor %}
{% endblock %}
