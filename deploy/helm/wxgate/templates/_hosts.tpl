{{/* Hosts and addresses, as wxgate reads them. Each prints true or nothing. */}}

{{/* host, or host:port; an IPv6 address in brackets. */}}
{{- define "wxgate.isHostPort" -}}
{{- $host := . -}}
{{- $port := "80" -}}
{{- if and (contains ":" .) (not (hasSuffix "]" .)) -}}
{{- $port = regexFind "[^:]*$" . -}}
{{- $host = trimSuffix (printf ":%s" $port) . -}}
{{- end -}}
{{- if and (regexMatch "^[1-9][0-9]{0,4}$" $port) (le (atoi $port) 65535) -}}
{{- if regexMatch "^\\[.*\\]$" $host -}}
{{- include "wxgate.isIPv6" (trimPrefix "[" $host | trimSuffix "]") -}}
{{- else -}}
{{- include "wxgate.isHostname" $host -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* An IPv4 address, or a name that does not end in a number. */}}
{{- define "wxgate.isHostname" -}}
{{- $label := "[0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?" -}}
{{- $name := and (regexMatch (printf "^(%s\\.)*%s$" $label $label) .) (not (regexMatch "(^|\\.)[0-9]+$" .)) -}}
{{- if and (le (len .) 253) (or $name (include "wxgate.isIPv4" .)) }}true{{ end -}}
{{- end }}

{{- define "wxgate.isIPv4" -}}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" -}}
{{- if regexMatch (printf "^(%s\\.){3}%s$" $octet $octet) . }}true{{ end -}}
{{- end }}

{{- define "wxgate.isIPv6" -}}
{{- $text := include "wxgate.inGroups" . -}}
{{- $group := "[0-9A-Fa-f]{1,4}" -}}
{{- $some := printf "(%s(:%s)*)?" $group $group -}}
{{- $short := and (regexMatch (printf "^%s::%s$" $some $some) $text) (le (len (regexFindAll "[0-9A-Fa-f]+" $text -1)) 7) -}}
{{- if or $short (regexMatch (printf "^(%s:){7}%s$" $group $group) $text) }}true{{ end -}}
{{- end }}

{{/* An IPv6 address that stands for one of IPv4: one in ::ffff:0:0/96. Input: an IPv6 address, or something else. */}}
{{- define "wxgate.isMapped" -}}
{{- $text := include "wxgate.inGroups" . -}}
{{- if regexMatch "^([0:]*:[fF]{4}:[0-9A-Fa-f]+:[0-9A-Fa-f]+|(0+:){5}[fF]{4}:(:[0-9A-Fa-f]*|[0-9A-Fa-f]+::))$" $text }}true{{ end -}}
{{- end }}

{{/* An IPv6 address with its last two groups in the form of IPv4 replaced by groups. */}}
{{- define "wxgate.inGroups" -}}
{{- $last := regexFind "[^:]*$" . -}}
{{- if and (contains ":" .) (include "wxgate.isIPv4" $last) -}}
{{- trimSuffix $last . -}}0:0
{{- else -}}
{{- . -}}
{{- end -}}
{{- end }}
