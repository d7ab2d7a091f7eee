{{/* Paths: ServeMux patterns, and what they open. */}}

{{/* What is wrong with a pattern, as wxgate and ServeMux read it. */}}
{{- define "wxgate.format.pattern" -}}
{{- $method := contains " " . | ternary (regexFind "^[^ ]*" .) "" -}}
{{- $path := trimPrefix $method . | trim -}}
{{- $readable := and (regexMatch "^([^%\\p{Cc}]|%[0-9A-Fa-f]{2})*$" $path) (not (regexMatch "%2[eEfF]" $path)) -}}
{{- if not (hasPrefix "/" $path) -}}
a path begins with /, such as /static/ or GET /news/{id}; hosts are not matched
{{- else if not (regexMatch "^[A-Z]*$" $method) -}}
write the method in capital letters, such as GET /news/{id}
{{- else if or (contains "*" .) (contains "," .) -}}
a pattern has neither * nor a comma; a path that ends with / stands for all below it, {name} for one segment
{{- else if regexMatch "[?#]" $path -}}
write a path alone, without query and fragment
{{- else if contains "/:" $path -}}
write {id} for any segment, not :id
{{- else if not (and $readable (include "wxgate.isOneWay" $path)) -}}
write a clean path, without //, . or .. segments, ; and \, and without encoded characters that change its meaning
{{- else -}}
{{- include "wxgate.wildcards" $path -}}
{{- end -}}
{{- end }}

{{/* Prints true if the path reads the same to all programs. Its percent encoding must be sound. */}}
{{- define "wxgate.isOneWay" -}}
{{- $decoded := get (urlParse (printf "http://h%s" .)) "path" -}}
{{- $bare := eq $decoded "/" | ternary "" (trimSuffix "/" $decoded) -}}
{{- if not (or (regexMatch "[\\\\;%#?\\x{FFFD}\\p{Cc}]" $decoded) (regexMatch "/[. ]*(/|$)" $bare)) }}true{{ end -}}
{{- end }}

{{/* What is wrong with the wildcards of a path. */}}
{{- define "wxgate.wildcards" -}}
{{- $segments := splitList "/" (trimPrefix "/" .) -}}
{{- $names := list -}}
{{- $wrong := "" -}}
{{- range $i, $segment := $segments -}}
{{- if contains "{" $segment -}}
{{- $last := eq (add1 $i | int) (len $segments) -}}
{{- if not (regexMatch "^\\{([\\pL_][\\pL_\\p{Nd}]*(\\.\\.\\.)?|\\$)\\}$" $segment) -}}
{{- $wrong = "a wildcard is a whole segment with a name, such as {id}" -}}
{{- else if and (regexMatch "(\\.\\.\\.|\\$)\\}$" $segment) (not $last) -}}
{{- $wrong = "{name...} and {$} stand only at the end" -}}
{{- end -}}
{{- $names = append $names (trimSuffix "...}" $segment | trimSuffix "}") -}}
{{- end -}}
{{- end -}}
{{- if and (not $wrong) (ne (len $names) (len (uniq $names))) -}}
{{- $wrong = "give each wildcard a name of its own" -}}
{{- end -}}
{{- $wrong -}}
{{- end }}

{{/*
Prints true if the patterns together match every path for GET. A segment that is in no pattern stands for any segment, so only
patterns of nothing but wildcards count; paths longer than all patterns are alike.
*/}}
{{- define "wxgate.opensEverything" -}}
{{- $matchers := list -}}
{{- $longest := 0 -}}
{{- range . -}}
{{- $path := regexReplaceAll "^GET +" (trim .) "" -}}
{{- if and (regexMatch "^(/\\{[^/{}]+\\})*/?$" $path) (hasPrefix "/" $path) -}}
{{- $longest = max $longest (regexFindAll "/" $path -1 | len) -}}
{{- $matcher := regexReplaceAll "\\{[^{}.$]+\\}" $path "x" -}}
{{- $matcher = regexReplaceAll "\\{[^{}]+\\.\\.\\.\\}" $matcher ".*" -}}
{{- $matcher = regexReplaceAll "/$" $matcher "/.*" | replace "{$}" "" -}}
{{- $matchers = append $matchers (printf "^%s$" $matcher) -}}
{{- end -}}
{{- end -}}
{{- $open := ne (len $matchers) 0 -}}
{{- range $n := untilStep 0 (add $longest 2 | int) 1 -}}
{{- $path := repeat $n "/x" -}}
{{- range (eq $n 0 | ternary (list "/") (list $path (printf "%s/" $path))) -}}
{{- $probe := . -}}
{{- $matched := false -}}
{{- range $matchers }}{{ if regexMatch . $probe }}{{ $matched = true }}{{ end }}{{ end -}}
{{- if not $matched }}{{ $open = false }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $open }}true{{ end -}}
{{- end }}
