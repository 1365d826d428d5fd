{# USES_VARIABLES { N } #}
{% extends 'common_group.cpp' %}

{% block extra_headers %}
#include <algorithm>
#include <utility>
#include <vector>

namespace {
    // Sort by insertion, unless more than `most` places would have to be moved; then the order is left half done.
    template <typename Item> bool _ranked_by_insertion(Item* first, int count, long most)
    {
        for (int k = 1; k < count; k++)
        {
            const Item item = first[k];
            int place = k;
            for (; place > 0 && item < first[place - 1]; place--) first[place] = first[place - 1];
            first[place] = item;
            most -= k - place;
            if (most < 0) return false;
        }
        return true;
    }

    // Bring pairs of a value and a number near their places: as many equal intervals as pairs, in the order of numbers.
    template <typename Item> void _ranked_roughly(Item* first, int count, std::vector<Item>& other, std::vector<int>& begins)
    {
        double least = first[0].first, greatest = first[0].first;
        for (int k = 1; k < count; k++)
        {
            least = std::min(least, (double)first[k].first);
            greatest = std::max(greatest, (double)first[k].first);
        }
        const double scale = greatest > least ? (count - 1)/(greatest - least) : 0;
        begins.assign(count + 1, 0);
        other.resize(count);
        for (int k = 0; k < count; k++) other[first[k].second] = first[k];
        for (int k = 0; k < count; k++) begins[std::min((int)((other[k].first - least)*scale), count - 1) + 1]++;
        for (int k = 0; k < count; k++) begins[k + 1] += begins[k];
        for (int k = 0; k < count; k++)
            first[begins[std::min((int)((other[k].first - least)*scale), count - 1)]++] = other[k];
    }
}
{% endblock %}

{% block maincode %}
    {% if _when %}
    if ({{get_array_name(_when)}}[{{_when.size - 1}}] == 0) return;
    {% endif %}
    {% set ranks = get_array_name(_rank) %}
    typedef {{c_data_type(_rank.dtype)}} _number;
    typedef std::pair<_number, int> _Item;
    const int _units = {{constant_or_scalar('N', variables['N'])}}/{{_trials}};
    static std::vector<_number> _keys;
    static std::vector<_Item> _sorted, _other; // the former by trials, from the last time
    static std::vector<int> _begins;
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
        _Item* _first = _sorted.data() + (size_t)_trial*_units;
        bool _defined = true;
        for (int _place = 0; _place < _units; _place++)
        {
            const _number _found = _keys[_first[_place].second*{{_trials}} + _trial];
            _defined = _defined && _found == _found; // numbers that are none have no order
            _first[_place].first = -_found;
        }
        // Often the order of the last time holds, or nearly.
        if (_defined && !_ranked_by_insertion(_first, _units, _units))
        {
            _ranked_roughly(_first, _units, _other, _begins);
            if (!_ranked_by_insertion(_first, _units, 16L*_units)) std::sort(_first, _first + _units);
        }
        for (int _place = 0; _place < _units; _place++)
            {{ranks}}[_first[_place].second*{{_trials}} + _trial] = _defined ? _place : NAN;
    }
{% endblock %}
