{{/* The environment of wxgate: variables with values, and variables that name files. */}}

{{/* Text of one value: a list is comma-separated. Lists of path and url become path=url. */}}
{{- define "wxgate.text" -}}
{{- if kindIs "slice" . -}}
{{- $items := list -}}
{{- range . -}}
{{- if kindIs "map" . }}{{ $items = append $items (printf "%s=%s" .path .url) }}{{ else }}{{ $items = append $items (toString . | trim) }}{{ end -}}
{{- end -}}
{{- join "," $items -}}
{{- else if kindIs "float64" . -}}
{{- int64 . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- toString . -}}
{{- end -}}
{{- end }}

{{/*
Variables of one map of values, as YAML: config.publicUrl becomes WXGATE_PUBLIC_URL. Input: config, and prefix, such as
WXGATE_ or WXGATE_SITES_0_.
*/}}
{{- define "wxgate.variables" -}}
{{- $prefix := .prefix -}}
{{- range $name, $value := .config }}
{{- $text := include "wxgate.text" $value }}
{{- if $text }}
{{ $prefix }}{{ snakecase $name | upper }}: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The ConfigMap's data. */}}
{{- define "wxgate.configMapData" -}}
{{- $config := deepCopy .Values.config -}}
{{- if eq .Values.mode "sidecar" -}}
{{- if not $config.upstream }}{{ $_ := set $config "upstream" (printf "http://127.0.0.1:%d" (int .Values.sidecar.port)) }}{{ end -}}
{{- end -}}
{{- if not (include "wxgate.forwards" .) -}}
{{- $_ := set $config "mode" "forward-auth" -}}
{{- end -}}
{{- range $port := list (list "listen" "http" 8080) (list "adminListen" "admin" 9090) -}}
{{- $number := index $.Values.containerPorts (index $port 1) -}}
{{- if ne (int $number) (index $port 2) }}{{ $_ := set $config (index $port 0) (printf ":%d" (int $number)) }}{{ end -}}
{{- end -}}
{{- with include "wxgate.relay" . }}{{ $_ := set $config "relayListen" (printf ":%s" .) }}{{ end -}}
{{- if eq .Values.mode "extauthz" }}{{ $_ := set $config "extauthzListen" (printf ":%d" (int .Values.containerPorts.extauthz)) }}{{ end -}}
{{- include "wxgate.variables" (dict "prefix" "WXGATE_" "config" $config) }}
{{- range $i, $site := .Values.sites }}
{{- include "wxgate.variables" (dict "prefix" (printf "WXGATE_SITES_%d_" $i) "config" (omit $site "existingSecret" "secrets" "files")) }}
{{- end }}
{{- with .Values.tracing }}
{{- if .endpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .endpoint | quote }}
{{- range $variable, $value := dict "OTEL_EXPORTER_OTLP_PROTOCOL" .protocol "OTEL_TRACES_SAMPLER" .sampler "OTEL_TRACES_SAMPLER_ARG" (toString .samplerArg) }}
{{- if $value }}
{{ $variable }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Files of one scope, a YAML list of: variable, path under /etc/wxgate, and secret or configMap and key. Input: scope
(the values, or a site), secret (name of the default Secret), prefix (as above), dir ("" or sites/0/), and account (not
empty if the AppSecret is needed).
*/}}
{{- define "wxgate.scopeFiles" -}}
{{- $secrets := default (dict) .scope.secrets -}}
{{- $files := default (dict) .scope.files -}}
{{- $own := default (dict) $secrets.appSecret -}}
{{- $list := list -}}
{{- if .account -}}
{{- $list = append $list (dict "variable" "APP_SECRET_FILE" "path" "app-secret" "secret" ($own.existingSecret | default .secret) "key" ($own.key | default "app-secret")) -}}
{{- end -}}
{{- range $name, $file := dict "cookieKeys" "COOKIE_KEYS_FILE" "qrAppSecret" "QR_APP_SECRET_FILE" "redisUrl" "REDIS_URL_FILE" "adminToken" "ADMIN_TOKEN_FILE" "hubKey" "HUB_KEY_FILE" "assertionKeys" "ASSERTION_KEYS_FILE" -}}
{{- $entry := default (dict) (get $secrets $name) -}}
{{- if $entry.key -}}
{{- $list = append $list (dict "variable" $file "path" (kebabcase $name) "secret" ($entry.existingSecret | default $.secret) "key" $entry.key) -}}
{{- end -}}
{{- end -}}
{{- range $name, $file := dict "allowOpenids" "ALLOW_OPENIDS_FILE" "denyOpenids" "DENY_OPENIDS_FILE" "redisCa" "REDIS_CA_FILE" "upstreamCa" "UPSTREAM_CA_FILE" -}}
{{- $entry := default (dict) (get $files $name) -}}
{{- $key := $entry.key | default (ternary "openids.txt" "ca.crt" (hasSuffix "Openids" $name)) -}}
{{- if $entry.secret -}}
{{- $list = append $list (dict "variable" $file "path" (kebabcase $name) "secret" $entry.secret "key" $key) -}}
{{- else if $entry.configMap -}}
{{- $list = append $list (dict "variable" $file "path" (kebabcase $name) "configMap" $entry.configMap "key" $key) -}}
{{- end -}}
{{- end -}}
{{- range $list -}}
{{- $_ := set . "variable" (printf "%s%s" $.prefix .variable) -}}
{{- $_ := set . "path" (printf "%s%s" $.dir .path) -}}
{{- end -}}
{{- $list | toYaml -}}
{{- end }}

{{/* All files of the projected volume, a YAML list as above. */}}
{{- define "wxgate.files" -}}
{{- $list := include "wxgate.scopeFiles" (dict "scope" .Values "secret" .Values.existingSecret "prefix" "WXGATE_" "dir" "" "account" .Values.config.appId) | fromYamlArray -}}
{{- with .Values.tls.existingSecret -}}
{{- $list = append $list (dict "variable" "WXGATE_TLS_CERT_FILE" "path" "tls/tls.crt" "secret" . "key" "tls.crt") -}}
{{- $list = append $list (dict "variable" "WXGATE_TLS_KEY_FILE" "path" "tls/tls.key" "secret" . "key" "tls.key") -}}
{{- end -}}
{{- if and .Values.tracing.endpoint .Values.tracing.headers.key -}}
{{- $list = append $list (dict "variable" "OTEL_EXPORTER_OTLP_HEADERS_FILE" "path" "otlp-headers" "secret" (.Values.tracing.headers.existingSecret | default .Values.existingSecret) "key" .Values.tracing.headers.key) -}}
{{- end -}}
{{- range $i, $site := .Values.sites -}}
{{- $secret := $site.existingSecret | default $.Values.existingSecret -}}
{{- $own := dig "secrets" "appSecret" "key" "" $site -}}
{{- $list = concat $list (include "wxgate.scopeFiles" (dict "scope" $site "secret" $secret "prefix" (printf "WXGATE_SITES_%d_" $i) "dir" (printf "sites/%d/" $i) "account" (or $site.appId $own)) | fromYamlArray) -}}
{{- end -}}
{{- $list | toYaml -}}
{{- end }}

{{/* Names of the Secrets (kind secret) or ConfigMaps (kind configMap) of the files, each once: a YAML list. */}}
{{- define "wxgate.sources" -}}
{{- $names := list -}}
{{- range .files }}{{ with get . $.kind }}{{ $names = append $names . }}{{ end }}{{ end -}}
{{- $names | uniq | toYaml -}}
{{- end }}

{{/* Folders of pages, a YAML list of: variable, path, configMap, volume. */}}
{{- define "wxgate.pages" -}}
{{- $list := list -}}
{{- with .Values.files.pages.configMap -}}
{{- $list = append $list (dict "variable" "WXGATE_PAGES_DIR" "path" "pages" "configMap" . "volume" "pages") -}}
{{- end -}}
{{- range $i, $site := .Values.sites -}}
{{- with dig "files" "pages" "configMap" "" $site -}}
{{- $list = append $list (dict "variable" (printf "WXGATE_SITES_%d_PAGES_DIR" $i) "path" (printf "pages-%d" $i) "configMap" . "volume" (printf "pages-%d" $i)) -}}
{{- end -}}
{{- end -}}
{{- $list | toYaml -}}
{{- end }}

{{/* Seconds of a Go duration, such as 90s or 1m30s; rounded up. */}}
{{- define "wxgate.seconds" -}}
{{- divf (include "wxgate.nanoseconds" (toString .) | float64) 1e9 | ceil | int -}}
{{- end }}

{{/* Seconds that a stop may take. */}}
{{- define "wxgate.stopSeconds" -}}
{{- $drain := include "wxgate.seconds" (include "wxgate.text" .Values.config.drainDelay | default "5s") | int -}}
{{- $shutdown := include "wxgate.seconds" (include "wxgate.text" .Values.config.shutdownTimeout | default "30s") | int -}}
{{- add $drain $shutdown -}}
{{- end }}

{{- define "wxgate.gracePeriod" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add (include "wxgate.stopSeconds" . | int) 5 -}}
{{- else -}}
{{- int .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end }}

{{/* Bytes of a quantity of memory, such as 256Mi; 0 if it is empty or has another unit. */}}
{{- define "wxgate.bytes" -}}
{{- $number := regexFind "^[0-9.]+" (toString .) | float64 -}}
{{- $unit := regexReplaceAll "^[0-9.]+" (toString .) "" -}}
{{- $factor := get (dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0) $unit | default 0.0 -}}
{{- mulf $number $factor -}}
{{- end }}

{{/* GOMEMLIMIT: 90 % of the memory limit, in MiB. Nothing without a limit. */}}
{{- define "wxgate.goMemLimit" -}}
{{- if .Values.go.memLimit -}}
{{- .Values.go.memLimit -}}
{{- else -}}
{{- $limit := dig "limits" "memory" "" .Values.resources | toString -}}
{{- if $limit -}}
{{- printf "%dMiB" (divf (mulf (include "wxgate.bytes" $limit | float64) 0.9) 1048576.0 | floor | int) -}}
{{- end -}}
{{- end -}}
{{- end }}
