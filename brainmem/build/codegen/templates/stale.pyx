{# Whether sums that follow visits are to be formed anew: where anything else has changed what they read, and every
   `most` sweeps, so that rounding does not add up. #}
{% macro stale(most) %}
{% if _formed %}
{% set formed, changing, age = get_array_name(_formed), get_array_name(_changing), get_array_name(_age) %}
_stale = {{formed}}[0] != {{changing}}[0] + 1 or {{age}}[0] >= {{most}}
{% for now, seen in _watched %}
for _row in range({{now.size}}):
    _stale = _stale or {{get_array_name(now)}}[_row] != {{get_array_name(seen)}}[_row]
    {{get_array_name(seen)}}[_row] = {{get_array_name(now)}}[_row]
{% endfor %}
{{age}}[0] = 1 if _stale else {{age}}[0] + 1
{{formed}}[0] = {{changing}}[0] + 1
{% else %}
_stale = True
{% endif %}
{% endmacro %}
