{{/* Further parts of the pod that contradict the chart. */}}

{{/* Variables that have a value in the chart are set there alone: routes and policies follow it. All of WXGATE_ have one. */}}
{{- define "wxgate.faults.extras" -}}
{{- $own := list "GOMEMLIMIT" "GOGC" "OTEL_EXPORTER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_PROTOCOL" "OTEL_EXPORTER_OTLP_HEADERS" "OTEL_EXPORTER_OTLP_TRACES_HEADERS" "OTEL_TRACES_SAMPLER" "OTEL_TRACES_SAMPLER_ARG" }}
{{- range .Values.extraEnv }}
{{- if or (hasPrefix "WXGATE_" (toString .name)) (has (trimSuffix "_FILE" (toString .name)) $own) }}
extraEnv has {{ .name }}, for which the chart has a value: set that instead
{{- end }}
{{- end }}
{{- range .Values.extraEnvFrom }}
{{- $prefix := toString (.prefix | default "") }}
{{- if and $prefix (or (hasPrefix "WXGATE_" $prefix) (hasPrefix $prefix "WXGATE_")) }}
extraEnvFrom has the prefix {{ $prefix }}, which makes variables of wxgate: set the values of the chart instead
{{- end }}
{{- end }}
{{- range $port, $number := .Values.containerPorts }}
{{- range $other, $same := $.Values.containerPorts }}
{{- if and (lt $port $other) (eq (int $number) (int $same)) }}
containerPorts.{{ $port }} and containerPorts.{{ $other }} are both {{ $number }}: choose different ports
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Names that the API server allows only once in a pod, and a strategy that it refuses. */}}
{{- define "wxgate.faults.pod" -}}
{{- $containers := list "wxgate" }}
{{- range $list := list "sidecar.containers" "extraContainers" "initContainers" }}
{{- range default (list) (eq $list "sidecar.containers" | ternary $.Values.sidecar.containers (get $.Values $list)) }}
{{- if has .name $containers }}
{{ $list }} has a container called {{ .name }}, and so has the pod already: choose another name
{{- end }}
{{- $containers = append $containers .name }}
{{- end }}
{{- end }}
{{- $volumes := list "files" }}
{{- range include "wxgate.pages" . | fromYamlArray }}{{ $volumes = append $volumes .volume }}{{ end }}
{{- range .Values.extraVolumes }}
{{- if has .name $volumes }}
extraVolumes has a volume called {{ .name }}, and so has the pod already: choose another name
{{- end }}
{{- $volumes = append $volumes .name }}
{{- end }}
{{- range .Values.extraVolumeMounts }}
{{- if regexMatch "^/etc/wxgate(-pages.*|/.*)?$" (toString .mountPath) }}
extraVolumeMounts has the path {{ .mountPath }}, where the chart mounts secrets and files: choose another
{{- end }}
{{- end }}
{{- $variables := list }}
{{- range .Values.extraEnv }}
{{- if has .name $variables }}
extraEnv has {{ .name }} twice: keep one of them
{{- end }}
{{- $variables = append $variables .name }}
{{- end }}
{{- with .Values.strategy }}
{{- $none := list "0" "0%" }}
{{- if and (eq .type "RollingUpdate") (has (dig "rollingUpdate" "maxSurge" "25%" . | toString) $none) (has (dig "rollingUpdate" "maxUnavailable" "25%" . | toString) $none) }}
strategy.rollingUpdate has neither maxSurge nor maxUnavailable: no pod could be replaced, allow 1 of one of them
{{- end }}
{{- end }}
{{- if not (regexMatch "^[a-z]" (include "wxgate.fullname" .)) }}
the release is called {{ .Release.Name }}, and names of Services begin with a letter: set fullnameOverride
{{- end }}
{{- end }}
