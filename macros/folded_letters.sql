{#- What `folded` replaces, and by what, as two texts for `translate`: the capitals of the Latin,
    Greek, Cyrillic and Armenian scripts, blanks, and what nobody sees, which has no counterpart and
    is dropped. The four i of Turkish are one, since in ASCII I and i are.
    Plain letters stand first, as themselves: `translate` searches from the start for each. -#}
{% macro folded_letters() -%}
    {%- set plain = 'abcdefghijklmnopqrstuvwxyz0123456789 ' -%}
    {%- set letters = [plain, 'ABCDEFGHIJKLMNOPQRSTUVWXYZẞİı'] -%}
    {%- set replacements = [plain, 'abcdefghijklmnopqrstuvwxyzßii'] -%}
    {%- for letter in characters([(181, 1415), (7680, 8191), (8486, 8491), (65313, 65338)]) -%}
        {%- if letter.casefold() != letter and letter.casefold() | length == 1 -%}
            {%- do letters.append(letter) -%}
            {%- do replacements.append(letter.casefold()) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return((
        letters | join ~ unicode_blanks() ~ unseen_characters(),
        replacements | join ~ ' ' * unicode_blanks() | length,
    )) }}
{%- endmacro %}
