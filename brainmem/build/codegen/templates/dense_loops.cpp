{# Whether sums that follow visits are to be formed anew: where anything else has changed what they read, and every
   `most` sweeps, so that rounding does not add up. #}
{% macro stale(most) %}
{% if _formed %}
{% set formed, changing, age = get_array_name(_formed), get_array_name(_changing), get_array_name(_age) %}
bool _stale = {{formed}}[0] != {{changing}}[0] + 1 || {{age}}[0] >= {{most}};
{% for now, seen in _watched %}
_stale = _stale || !std::equal({{get_array_name(now)}}, {{get_array_name(now)}} + {{now.size}}, {{get_array_name(seen)}});
{% endfor %}
{{age}}[0] = _stale ? 1 : {{age}}[0] + 1;
if (_stale)
{
    {{formed}}[0] = {{changing}}[0] + 1;
    {% for now, seen in _watched %}
    std::copy({{get_array_name(now)}}, {{get_array_name(now)}} + {{now.size}}, {{get_array_name(seen)}});
    {% endfor %}
}
{% else %}
const bool _stale = true;
{% endif %}
{% endmacro %}

{# The column in which `row` meets itself, within the matrix or beside it. #}
{% macro own(row) -%}
({{row}}{{' + (%d)' % _shift if _shift is defined and _shift is not none}})
{%- endmacro %}

{# A column, or the nearest end of the matrix. #}
{% macro inside(column) -%}
{% if _shift is defined and _shift is not none -%}
({{column}} < 0 ? 0 : {{column}} > _columns ? _columns : {{column}})
{%- else -%}
{{column}}
{%- endif %}
{%- endmacro %}

{# Columns of a matrix without those where one of `count` rows from `row` would meet itself. #}
{% macro columns_of(row, count) %}
{% if _diagonal %}
for (long _column = 0; _column < _columns; _column++)
{%- else %}
for (int _part = 0; _part < 2; _part++)
for (long _column = _part ? {{inside(own(row) ~ ' + ' ~ count)}} : 0; _column < (_part ? _columns : {{inside(own(row))}}); _column++)
{%- endif %}
{% endmacro %}

{# Where the synapse from `_column` to `row` stands; a list of pairs has no place for absent ones. #}
{% macro place(row) -%}
{% set from = '(_column*%d + _trial)' % _spread if _listed is defined and _listed and _spread else '_column' -%}
{% if _listed is defined and _listed and not _diagonal -%}
{{from}}*(_rows - 1) + {{row}} - ({{row}} > _column ? 1 : 0)
{%- elif _by_columns -%}
{{from}}*_rows + {{row}}
{%- else -%}
({{row}})*_columns + _column
{%- endif %}
{%- endmacro %}

{# The statements of all synapses from `_column`, what they have in common first, each followed by `then`.
   `whole`: also of a synapse that does not exist, whose place there is. #}
{% macro column(code, then='', whole=False) %}
{% set before, after = (code if code is string else code | join('\n')).split(row_ends) %}
const long _presynaptic_idx = _column + _source_offset;
{{before|autoindent}}
{% if _diagonal or whole %}
for (long _row = 0; _row < _rows; _row++)
{%- else %}
for (int _part = 0; _part < 2; _part++)
for (long _row = _part ? _column + 1 : 0; _row < (_part ? _rows : _column); _row++)
{%- endif %}
{
    const long _postsynaptic_idx = _row + _target_offset, _idx = {{ place('_row') }};
    const size_t _vectorisation_idx = _idx;
    {{after|autoindent}}
    {{then}}
}
{% endmacro %}

{# The statements of the synapse from `_column` to `row`. #}
{% macro synapse(row, code) %}
const long _postsynaptic_idx = {{row}} + _target_offset, _presynaptic_idx = _column + _source_offset;
const long _idx = {{ place(row) }};
const size_t _vectorisation_idx = _idx;
{{code|autoindent}}
{% endmacro %}

{# The statements of all synapses to `_row`, what they have in common first. #}
{% macro row(code) %}
{% set before, after = (code if code is string else code | join('\n')).split(row_ends) %}
const long _postsynaptic_idx = _row + _target_offset;
{{before|autoindent}}
{{ columns_of('_row', 1) }}
{
    const long _presynaptic_idx = _column + _source_offset, _idx = {{ place('_row') }};
    const size_t _vectorisation_idx = _idx;
    {{after|autoindent}}
}
{% endmacro %}

{# The statements `code`, whose names belong to the indices given. #}
{% macro indexed(code, synapse, pre, post) %}
const long _idx = {{synapse}}, _presynaptic_idx = {{pre}}, _postsynaptic_idx = {{post}};
const size_t _vectorisation_idx = _idx;
{{code|autoindent}}
{% endmacro %}

{# `otherwise` where the gate of a postsynaptic unit is closed. #}
{% macro gated(otherwise) -%}
{% if _gate %}{{ shut('_postsynaptic_idx') }} ? (_number){{otherwise}} : {% endif %}
{%- endmacro %}

{# Whether a gate of a postsynaptic unit is closed. #}
{% macro shut(unit) -%}
{% for gate in _gate %}{{get_array_name(gate)}}[{{unit}}] == 0{% if not loop.last %} || {% endif %}{% endfor %}
{%- endmacro %}
