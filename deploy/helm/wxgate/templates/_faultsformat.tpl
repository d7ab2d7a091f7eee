{{/* Faults of single values, at the top and in the sites. Input of each: name, such as config.upstream, and value. */}}

{{- define "wxgate.faults.formats" -}}
{{ include "wxgate.faults.scopeFormats" (dict "name" "config" "scope" .Values.config) }}
{{- range $i, $site := .Values.sites }}
{{ include "wxgate.faults.scopeFormats" (dict "name" (printf "sites[%d]" $i) "scope" $site) }}
{{- end }}
{{ include "wxgate.faults.patterns" (dict "name" "config.relayPaths" "value" .Values.config.relayPaths) }}
{{- range .Values.config.trustedProxies }}
{{- if not (regexMatch "^[0-9A-Fa-f:.]+(/[0-9]+)?$" .) }}
config.trustedProxies has {{ . }}: write addresses or CIDRs, such as 10.244.0.0/16
{{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.scopeFormats" -}}
{{- $name := .name }}
{{- with .scope }}
{{ include "wxgate.faults.patterns" (dict "name" (printf "%s.publicPaths" $name) "value" .publicPaths "public" true) }}
{{ include "wxgate.faults.patterns" (dict "name" (printf "%s.apiPaths" $name) "value" .apiPaths) }}
{{ include "wxgate.faults.patterns" (dict "name" (printf "%s.accessLogSkip" $name) "value" .accessLogSkip) }}
{{- range include "wxgate.text" .upstream | splitList "," }}
{{- $url := regexReplaceAll "^/[^=]*=" (trim .) "" | trim }}
{{- if and $url (not (regexMatch "^((http|https|h2c)://[^/?#]+|unix:///.+)$" $url)) }}
{{ $name }}.upstream has {{ $url }}: write scheme, host and port, without a path, such as http://web:80
{{- end }}
{{- end }}
{{- range .verifyFiles }}
{{- if not (regexMatch "^[0-9A-Za-z]+$" .) }}
{{ $name }}.verifyFiles has {{ . }}: write only the token, such as abc123 of MP_verify_abc123.txt
{{- end }}
{{- end }}
{{- if not (regexMatch "^[!#$%&'*+.^_`|~0-9A-Za-z-]*$" (toString (.cookieName | default ""))) }}
{{ $name }}.cookieName is {{ .cookieName }}: a cookie's name has letters, digits, - and _
{{- end }}
{{- if not (regexMatch "^\\.?[0-9A-Za-z.-]*$" (toString (.cookieDomain | default ""))) }}
{{ $name }}.cookieDomain is {{ .cookieDomain }}: write a domain such as example.com, without scheme and port
{{- end }}
{{- range $key := list "wechatApiUrl" "wechatOpenUrl" }}
{{- if regexMatch "^http://[^/]*\\.qq\\.com" (toString (get $.scope $key)) }}
{{ $name }}.{{ $key }} is {{ get $.scope $key }}, WeChat by plain http: write https
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* ServeMux patterns. With public, those that open every path are faults too. */}}
{{- define "wxgate.faults.patterns" -}}
{{- range .value }}
{{- $path := regexReplaceAll "^[A-Z]+ +" . "" }}
{{- if not (hasPrefix "/" $path) }}
{{ $.name }} has {{ . }}: a path begins with /, such as /static/ or GET /news/{id}
{{- else if or (contains "*" .) (contains "," .) }}
{{ $.name }} has {{ . }}: a pattern has neither * nor a comma; a path that ends with / stands for all below it
{{- else if and $.public (regexMatch "^/({[^}$]*\\.\\.\\.})?$" $path) }}
{{ $.name }} has {{ . }}, which opens every path: write /{$} for the home page alone
{{- end }}
{{- end }}
{{- end }}
