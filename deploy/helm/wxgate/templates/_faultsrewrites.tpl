{{/* Annotations and filters that change the requests that wxgate sees, or its answers. */}}

{{- define "wxgate.faults.rewrites" -}}
{{- if .Values.ingress.enabled }}
{{- range $of, $annotations := dict "ingress.annotations" .Values.ingress.annotations "commonAnnotations" .Values.commonAnnotations }}
{{- range $name, $_ := $annotations }}
{{- if hasSuffix "/rewrite-target" $name }}
{{ $of }} has {{ $name }}, by which wxgate's own pages would not be found: leave it out
{{- end }}
{{- if and $.Values.nginx.enabled (regexMatch "/(auth-cache-key|satisfy)$" $name) }}
{{ $of }} has {{ $name }}, by which wxgate would not be asked about each request: leave it out
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.httpRoute.enabled }}
{{- range .Values.httpRoute.filters }}
{{- if or (eq (toString .type) "RequestRedirect") (dig "urlRewrite" "path" "" .) }}
httpRoute.filters has a {{ .type }}, by which wxgate's own pages would not be found: leave it out
{{- end }}
{{- if not (include "wxgate.forwards" $) }}
{{- $modifier := default (dict) .requestHeaderModifier }}
{{- $names := default (list) $modifier.remove }}
{{- range concat (default (list) $modifier.set) (default (list) $modifier.add) }}{{ $names = append $names .name }}{{ end }}
{{- range $names }}
{{- if regexMatch "^(?i)x[^a-z0-9]wx[^a-z0-9]" (toString .) }}
httpRoute.filters has the header {{ . }}: a gateway may change it after wxgate's answer, which sets it, so leave it out
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
