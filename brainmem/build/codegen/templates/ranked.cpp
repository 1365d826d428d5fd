{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{% block extra_headers %}
#include <algorithm>
#include <utility>
#include <vector>
{% endblock %}

{% block maincode %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    {% set ranks = get_array_name(_rank) %}
    typedef {{c_data_type(_rank.dtype)}} _number;
    const int _units = {{constant_or_scalar('N', variables['N'])}}/{{_trials}};
    static std::vector<_number> _keys;
    static std::vector<std::pair<_number, int> > _sorted; // of each trial, from the last time
    _keys.resize(_units*{{_trials}});
    if (_sorted.size() != _keys.size())
    {
        _sorted.resize(_keys.size());
        for (int _idx = 0; _idx < _units*{{_trials}}; _idx++) _sorted[_idx].second = _idx % _units;
    }
    const size_t _vectorisation_idx = -1;
    {{scalar_code|autoindent}}
    for (int _idx = 0; _idx < _units*{{_trials}}; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        {{vector_code|autoindent}}
        _keys[_idx] = _key;
    }
    for (int _trial = 0; _trial < {{_trials}}; _trial++)
    {
        std::pair<_number, int>* _first = _sorted.data() + (size_t)_trial*_units;
        bool _defined = true, _ordered = true;
        for (int _place = 0; _place < _units; _place++)
        {
            const _number _found = _keys[_first[_place].second*{{_trials}} + _trial];
            _defined = _defined && _found == _found;
            _first[_place].first = -_found;
            _ordered = _ordered && (_place == 0 || _first[_place - 1] < _first[_place]);
        }
        // The order of the last time holds in most steps; numbers that are none have no order.
        if (_defined && !_ordered) std::sort(_first, _first + _units);
        for (int _place = 0; _place < _units; _place++)
            {{ranks}}[_first[_place].second*{{_trials}} + _trial] = _defined ? _place : NAN;
    }
{% endblock %}
