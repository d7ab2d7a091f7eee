{{/* Faults of single values, at the top and in the sites. */}}

{{/* Formats of the values of config and of a site: the name of the value, and wxgate.format.… for it or for each of its items. */}}
{{- define "wxgate.formats" -}}
appId: appId
publicUrl: origin
prefix: prefix
sessionTtl: positive
sessionMaxTtl: positive
redisGrace: duration
cookieName: cookieName
cookieDomain: cookieDomain
publicPaths: pattern
apiPaths: pattern
qrAppId: appId
followQrUrl: picture
followRecheck: positive
relayPaths: pattern
relayHosts: host
verifyFiles: verifyFile
trustedProxies: proxy
returnHosts: host
loginRate: rate
maxBody: size
upstreamTimeout: positive
stallTimeout: duration
wechatTimeout: positive
wechatApiUrl: baseUrl
wechatOpenUrl: baseUrl
accessLogSkip: pattern
drainDelay: duration
shutdownTimeout: positive
hubUrl: origin
hubSites: origin
hosts: siteHost
{{- end }}

{{- define "wxgate.faults.formats" -}}
{{ include "wxgate.faults.scopeFormats" (dict "name" "config" "scope" .Values.config) }}
{{- range $i, $site := .Values.sites }}
{{ include "wxgate.faults.scopeFormats" (dict "name" (printf "sites[%d]" $i) "scope" $site) }}
{{- end }}
{{ include "wxgate.faults.tracing" .Values.tracing }}
{{- if not (regexMatch "^([0-9]+([KMGT]iB|B)?|off)?$" (toString .Values.go.memLimit)) }}
go.memLimit is {{ include "wxgate.shown" .Values.go.memLimit }}: write it with Go's units, such as 200MiB
{{- end }}
{{- range $name := list "serviceMonitor" "podMonitor" }}
{{- $interval := get (get $.Values.metrics $name) "interval" }}
{{- if not (regexMatch "^([0-9]+(ms|[smhd]))+$" (toString $interval)) }}
metrics.{{ $name }}.interval is {{ include "wxgate.shown" $interval }}: write a duration with its unit, such as 30s
{{- end }}
{{- end }}
{{- end }}

{{/* Input: name, such as config or sites[0], and scope, its values. */}}
{{- define "wxgate.faults.scopeFormats" -}}
{{- range $key, $format := include "wxgate.formats" . | fromYaml }}
{{- $value := get $.scope $key }}
{{- $name := printf "%s.%s" $.name $key }}
{{- if kindIs "slice" $value }}
{{- range $value }}
{{ include "wxgate.faults.item" (dict "name" $name "has" "has" "format" $format "text" (include "wxgate.text" . | trim)) }}
{{- end }}
{{- else }}
{{- with include "wxgate.text" $value }}
{{ include "wxgate.faults.item" (dict "name" $name "has" "is" "format" $format "text" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- if include "wxgate.opensEverything" .scope.publicPaths }}
{{ .name }}.publicPaths has {{ join ", " .scope.publicPaths | include "wxgate.shown" }}, which opens every path: write /{$} for the home page alone
{{- end }}
{{- $origins := list }}
{{- range .scope.hubSites }}{{ $origins = append $origins (include "wxgate.origin" .) }}{{ end }}
{{- if ne (len $origins) (len (uniq $origins)) }}
{{ .name }}.hubSites has an origin twice: keep one of the two
{{- end }}
{{ include "wxgate.faults.upstreamFormat" (dict "name" (printf "%s.upstream" .name) "value" .scope.upstream) }}
{{- end }}

{{/* Input: name of a value; has, which is "has" for a list, else "is"; format; text. */}}
{{- define "wxgate.faults.item" -}}
{{- with include (printf "wxgate.format.%s" .format) .text }}
{{ $.name }} {{ $.has }} {{ include "wxgate.shown" $.text }}: {{ . }}
{{- end }}
{{- end }}

{{/* A value as a message may show it: in one line, and nothing that may hold a password. */}}
{{- define "wxgate.shown" -}}
{{- $text := regexReplaceAll "\\s+" (toString .) " " -}}
{{- if contains "@" $text -}}
a value with an @, which may hold a password
{{- else -}}
{{- $text | trim | trunc 100 | default "an empty text" -}}
{{- end -}}
{{- end }}

{{/* Servers of the site: a text as in WXGATE_UPSTREAM, or a list of path and url. Input: name and value. */}}
{{- define "wxgate.faults.upstreamFormat" -}}
{{- $name := .name }}
{{- if kindIs "slice" .value }}
{{- range .value }}
{{ include "wxgate.faults.item" (dict "name" $name "has" "has the path" "format" "upstreamPath" "text" (toString .path)) }}
{{ include "wxgate.faults.item" (dict "name" $name "has" "has" "format" "server" "text" (toString .url)) }}
{{- end }}
{{- else }}
{{- $text := trim (toString (.value | default "")) }}
{{- if or (hasPrefix "/" $text) (contains "," $text) }}
{{- range splitList "," $text }}
{{- $path := regexFind "^[^=]*" . }}
{{ include "wxgate.faults.item" (dict "name" $name "has" "has the path" "format" "upstreamPath" "text" (trim $path)) }}
{{ include "wxgate.faults.item" (dict "name" $name "has" "has" "format" "server" "text" (trimPrefix $path . | trimPrefix "=" | trim)) }}
{{- end }}
{{- else if $text }}
{{ include "wxgate.faults.item" (dict "name" $name "has" "is" "format" "server" "text" $text) }}
{{- end }}
{{- end }}
{{- end }}

{{/* The values of tracing have no effect without an endpoint. */}}
{{- define "wxgate.faults.tracing" -}}
{{- if .endpoint }}
{{- $grpc := eq .protocol "grpc" }}
{{- $rest := regexReplaceAll "^[hH][tT][tT][pP][sS]?://" (trim .endpoint) "" }}
{{- $host := regexFind "^[^/]*" $rest }}
{{- $scheme := or (ne $rest (trim .endpoint)) (and $grpc (not (contains "://" $rest))) }}
{{- if not (and $scheme (include "wxgate.isHostPort" $host) (regexMatch "^[^@?#]*$" $rest)) }}
tracing.endpoint is {{ include "wxgate.shown" .endpoint }}: write an address such as http://otel-collector:4318, without user and query
{{- else if and $grpc (not (regexMatch ":[0-9]+$" $host)) }}
tracing.endpoint is {{ .endpoint }}, without a port: grpc needs one, such as http://otel-collector:4317
{{- end }}
{{- $ratio := trim (toString .samplerArg) }}
{{- if and $ratio (hasSuffix "ratio" .sampler) }}
{{- if not (and (regexMatch "^\\+?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?$" $ratio) (le (float64 $ratio) 1.0)) }}
tracing.samplerArg is {{ include "wxgate.shown" $ratio }}: write a number from 0 to 1, such as 0.1
{{- end }}
{{- end }}
{{- end }}
{{- end }}
