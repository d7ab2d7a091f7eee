{{/* Values of one site that do not fit each other, in a process of one site or of several. */}}

{{/*
The sites of the process, a YAML list of: name; all, the values of the site and those that it takes from config; names, the full
name of each value; secrets, the name of its secrets; qrAppSecret and hubKey, the keys of these secrets, and ownQRAppSecret and ownHubKey, those that the site itself sets. Without
sites there is one entry.
*/}}
{{- define "wxgate.scopes" -}}
{{- $shared := dict -}}
{{- $names := dict -}}
{{- range $key, $value := .Values.config -}}
{{- $_ := set $shared $key $value -}}
{{- $_ := set $names $key (printf "config.%s" $key) -}}
{{- end -}}
{{- $qr := .Values.secrets.qrAppSecret.key -}}
{{- $hub := .Values.secrets.hubKey.key -}}
{{- $scopes := list -}}
{{- range $i, $site := .Values.sites -}}
{{- $all := deepCopy $shared -}}
{{- $of := deepCopy $names -}}
{{- range $key, $value := omit $site "existingSecret" "secrets" "files" -}}
{{- if include "wxgate.text" $value -}}
{{- $_ := set $all $key $value -}}
{{- $_ := set $of $key (printf "sites[%d].%s" $i $key) -}}
{{- end -}}
{{- end -}}
{{- $secrets := default (dict) $site.secrets -}}
{{- $scopes = append $scopes (dict "name" (printf "sites[%d]" $i) "all" $all "names" $of "qrAppSecret" (dig "qrAppSecret" "key" "" $secrets | default $qr) "ownQRAppSecret" (dig "qrAppSecret" "key" "" $secrets) "hubKey" (dig "hubKey" "key" "" $secrets | default $hub) "ownHubKey" (dig "hubKey" "key" "" $secrets) "secrets" (printf "sites[%d].secrets" $i)) -}}
{{- end -}}
{{- if not .Values.sites -}}
{{- $scopes = list (dict "name" "config" "all" $shared "names" $names "qrAppSecret" $qr "ownQRAppSecret" $qr "hubKey" $hub "ownHubKey" $hub "secrets" "secrets") -}}
{{- end -}}
{{- $scopes | toYaml -}}
{{- end }}

{{- define "wxgate.faults.features" -}}
{{- range include "wxgate.scopes" . | fromYamlArray }}
{{ include "wxgate.faults.scanLogin" . }}
{{ include "wxgate.faults.hub" . }}
{{ include "wxgate.faults.lifetimes" . }}
{{ include "wxgate.faults.cookieDomain" . }}
{{- end }}
{{- $cookies := dict }}
{{- range $i, $site := .Values.sites }}
{{- $name := $site.cookieName | default $.Values.config.cookieName | default "wxgate" }}
{{- $domain := $site.cookieDomain | default $.Values.config.cookieDomain | default "" | lower | trimPrefix "." }}
{{- $cookie := printf "%s of the domain %s" $name $domain }}
{{- if and $domain (hasKey $cookies $cookie) }}
sites[{{ $i }}] has the cookie {{ $cookie }}, and so has sites[{{ get $cookies $cookie }}]: each would overwrite the other's, so set sites[{{ $i }}].cookieName
{{- end }}
{{- $_ := set $cookies $cookie (toString $i) }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.scanLogin" -}}
{{- $wants := eq (toString .all.outsideWechat) "qrconnect" }}
{{- $missing := eq .name "config" | ternary "config.qrAppId" (printf "%s.qrAppId" .name) }}
{{- if and $wants (not .all.qrAppId) }}
{{ .names.outsideWechat }} is qrconnect, but {{ $missing }} is empty: set it to the AppID of the website application
{{- end }}
{{- if and (or .all.qrAppId $wants) (not .qrAppSecret) }}
{{ .all.qrAppId | empty | ternary $missing .names.qrAppId }} is used, but {{ .secrets }}.qrAppSecret.key is empty: set it to the key of the Secret that holds its AppSecret, such as qr-app-secret
{{- end }}
{{- if and .qrAppSecret (not .all.qrAppId) (not $wants) }}
{{ .ownQRAppSecret | empty | ternary "secrets" .secrets }}.qrAppSecret.key is set, but {{ $missing }} is empty: set it to the AppID of the website application, or leave the key out
{{- end }}
{{- if and .all.qrAppId (eq .all.qrAppId (toString .all.appId)) }}
{{ .names.qrAppId }} is the official account's AppID: use that of a website application at open.weixin.qq.com
{{- end }}
{{- end }}

{{- define "wxgate.faults.hub" -}}
{{- $public := include "wxgate.origin" (.all.publicUrl | default "") }}
{{- $sites := list }}
{{- range .all.hubSites }}{{ $sites = append $sites (include "wxgate.origin" .) }}{{ end }}
{{- if and .all.hubUrl .all.hubSites }}
{{ .names.hubUrl }} and {{ .names.hubSites }} are both set: a hub cannot use another hub, keep one of them
{{- end }}
{{- if and (or .all.hubUrl .all.hubSites) (not .hubKey) }}
{{ .all.hubUrl | empty | ternary .names.hubSites .names.hubUrl }} is set, but {{ .secrets }}.hubKey.key is empty: set it to the key of the Secret that holds the hub's key, such as hub-key
{{- end }}
{{- if and .ownHubKey (not (or .all.hubUrl .all.hubSites)) }}
{{ .secrets }}.hubKey.key is set, but neither {{ .name }}.hubUrl nor {{ .name }}.hubSites is: leave it out, or set one of them
{{- end }}
{{- if and $public (eq (include "wxgate.origin" (.all.hubUrl | default "")) $public) }}
{{ .names.hubUrl }} is the site's own {{ .names.publicUrl }}, which would redirect visitors in a circle: write the origin of the other wxgate
{{- end }}
{{- if and $public (has $public $sites) }}
{{ .names.hubSites }} has the hub's own {{ .names.publicUrl }}, {{ $public }}: leave it out
{{- end }}
{{- end }}

{{- define "wxgate.faults.lifetimes" -}}
{{- $ttl := include "wxgate.text" .all.sessionTtl | default "24h" }}
{{- $most := include "wxgate.text" .all.sessionMaxTtl | default "720h" }}
{{- $longest := include "wxgate.nanoseconds" $most | float64 }}
{{- if and (gt $longest 0.0) (gt (include "wxgate.nanoseconds" $ttl | float64) $longest) }}
{{ .names.sessionTtl }} is {{ $ttl }}, longer than {{ .names.sessionMaxTtl }}, {{ $most }}: shorten the one or lengthen the other
{{- end }}
{{- end }}

{{- define "wxgate.faults.cookieDomain" -}}
{{- $domain := .all.cookieDomain | default "" | lower | trimPrefix "." }}
{{- $first := first (.all.hosts | default (list "")) }}
{{- $public := include "wxgate.host" (.all.publicUrl | default $first) }}
{{- if and $domain $public (not (include "wxgate.format.cookieDomain" $domain)) (ne $domain $public) }}
{{- if not (hasSuffix (printf ".%s" $domain) $public) }}
{{ .names.cookieDomain }} is {{ .all.cookieDomain }}, but {{ .all.publicUrl | empty | ternary (printf "%s.hosts" .name) .names.publicUrl }} is {{ .all.publicUrl | default $first }}: browsers accept only its host or a domain above it
{{- else if not (contains "." $domain) }}
{{ .names.cookieDomain }} is {{ .all.cookieDomain }}: browsers refuse a cookie for all hosts under it
{{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.relay" -}}
{{- with .Values }}
{{- if and .config.relayHosts (not .config.relayPaths) }}
config.relayHosts is set, but config.relayPaths is empty: without paths there is no relay
{{- end }}
{{- if and .config.relayPaths .sites (not .config.appId) }}
config.relayPaths is set, but config.appId is empty: with several sites, the relay serves the account of config.appId
{{- end }}
{{- end }}
{{- end }}
