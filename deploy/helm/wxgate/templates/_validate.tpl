{{/* Values that cannot work: every fault in one message, a line each that says what to change. */}}

{{- define "wxgate.validate" -}}
{{- $faults := list -}}
{{- range $check := list "account" "formats" "names" "secrets" "upstream" "redis" "features" "relay" "sites" "scaling" "stop" "fronts" "rewrites" "policies" "extras" "pod" -}}
{{- range include (printf "wxgate.faults.%s" $check) $ | splitList "\n" -}}
{{- with trim . }}{{ $faults = append $faults (printf "  - %s" .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $faults -}}
{{- fail (printf "\n\nThese values cannot work:\n\n%s\n" (join "\n" (uniq $faults))) -}}
{{- end -}}
{{- end }}

{{- define "wxgate.faults.account" -}}
{{- if not .Values.sites }}
{{- if not .Values.config.appId }}
config.appId is empty: set it to the AppID of the official account, such as wx0123456789abcdef
{{- end }}
{{- if not .Values.config.publicUrl }}
config.publicUrl is empty: set it to the origin that visitors use, such as https://h5.example.com
{{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.secrets" -}}
{{- range include "wxgate.files" . | fromYamlArray }}
{{- if not (or .secret .configMap) }}
existingSecret is empty, but {{ .variable }} needs it: set it to the name of a Secret with the key {{ .key }}
{{- end }}
{{- end }}
{{- if not .Values.secrets.cookieKeys.key }}
secrets.cookieKeys.key is empty: set it to the key of the Secret that holds the cookie keys, such as cookie-keys
{{- end }}
{{- range $name, $file := omit .Values.files "pages" }}
{{- if and $file.configMap $file.secret }}
files.{{ $name }} has both configMap and secret: set one of them
{{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.upstream" -}}
{{- if include "wxgate.forwards" . }}
{{- if and (eq .Values.mode "proxy") (not .Values.config.upstream) }}
{{- if not .Values.sites }}
config.upstream is empty: set it to the Service of the site, such as http://web:80, or choose mode forward-auth or extauthz
{{- end }}
{{- range $i, $site := .Values.sites }}
{{- if not $site.upstream }}
sites[{{ $i }}].upstream is empty, and so is config.upstream: set one to the Service of the site, such as http://web:80
{{- end }}
{{- end }}
{{- end }}
{{- else if .Values.config.upstream }}
config.upstream is set, but mode {{ .Values.mode }} forwards nothing: leave it out, and set site.service if the chart creates the routes
{{- end }}
{{ include "wxgate.faults.upstreamPaths" (dict "name" "config.upstream" "value" .Values.config.upstream) }}
{{ include "wxgate.faults.ownAddress" (dict "name" "config.upstream" "value" .Values.config.upstream "root" $) }}
{{- range $i, $site := .Values.sites }}
{{- if and $site.upstream (not (include "wxgate.forwards" $)) }}
sites[{{ $i }}].upstream is set, but mode {{ $.Values.mode }} forwards nothing: leave it out
{{- end }}
{{ include "wxgate.faults.upstreamPaths" (dict "name" (printf "sites[%d].upstream" $i) "value" $site.upstream) }}
{{ include "wxgate.faults.ownAddress" (dict "name" (printf "sites[%d].upstream" $i) "value" $site.upstream "root" $) }}
{{- end }}
{{- if eq .Values.mode "sidecar" }}
{{- if not .Values.sidecar.containers }}
sidecar.containers is empty: mode sidecar needs the containers of the site
{{- end }}
{{- range $port, $number := .Values.containerPorts }}
{{- if eq (int $.Values.sidecar.port) (int $number) }}
sidecar.port is {{ $number }}, a port of wxgate in the same pod: let the site listen on another, or change containerPorts.{{ $port }}
{{- end }}
{{- end }}
{{- else if .Values.sidecar.containers }}
sidecar.containers is set, but mode is {{ .Values.mode }}: set mode to sidecar
{{- end }}
{{- end }}

{{/* An upstream that is wxgate's own Service or port: requests would go around in a circle. */}}
{{- define "wxgate.faults.ownAddress" -}}
{{- $own := printf "^(%s(\\.%s(\\.svc.*)?)?:%d|(127\\.0\\.0\\.1|localhost):%d)$" (include "wxgate.fullname" .root) .root.Release.Namespace (int .root.Values.service.port) (int .root.Values.containerPorts.http) }}
{{- $name := .name }}
{{- range include "wxgate.text" .value | splitList "," }}
{{- $host := regexReplaceAll "^([^=]*=)?[a-z0-9]+://" (trim .) "" | trimSuffix "/" }}
{{- if not (contains ":" $host) }}
{{- $host = printf "%s:%d" $host (contains "https://" . | ternary 443 80) }}
{{- end }}
{{- if regexMatch $own $host }}
{{ $name }} has {{ . }}, which is wxgate's own address: set it to the Service of the site
{{- end }}
{{- end }}
{{- end }}

{{/* Two upstreams for one path, or none for /. */}}
{{- define "wxgate.faults.upstreamPaths" -}}
{{- $text := include "wxgate.text" .value -}}
{{- if or (hasPrefix "/" $text) (contains "," $text) }}
{{- $seen := dict }}
{{- range splitList "," $text }}
{{- $path := splitList "=" (trim .) | first | trim | trimSuffix "/" }}
{{- if hasKey $seen $path }}
{{ $.name }} has two upstreams for the path {{ $path | default "/" }}: keep one of them
{{- end }}
{{- $_ := set $seen $path true }}
{{- end }}
{{- if not (hasKey $seen "") }}
{{ .name }} has no upstream for the path /: add one, such as /=http://web:80
{{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.redis" -}}
{{- if not .Values.secrets.redisUrl.key }}
{{- $needs := list }}
{{- if eq .Values.config.sessionStore "redis" }}{{ $needs = append $needs "config.sessionStore is redis" }}{{ end }}
{{- if eq .Values.config.tokenMode "legacy" }}
{{- if gt (max (include "wxgate.minimum" . | int) (ternary (int .Values.autoscaling.maxReplicas) 1 .Values.autoscaling.enabled)) 1 }}
{{- $needs = append $needs "config.tokenMode is legacy and there are several pods" }}
{{- end }}
{{- end }}
{{- if or .Values.files.redisCa.configMap .Values.files.redisCa.secret }}{{ $needs = append $needs "files.redisCa is set" }}{{ end }}
{{- range $i, $site := .Values.sites }}
{{- if eq (toString $site.sessionStore) "redis" }}{{ $needs = append $needs (printf "sites[%d].sessionStore is redis" $i) }}{{ end }}
{{- end }}
{{- range $needs }}
{{ . }}, but secrets.redisUrl.key is empty: set it to the key of the Secret that holds the address of Redis, such as redis-url
{{- end }}
{{- end }}
{{- range $i, $site := .Values.sites }}
{{- if and $site.passAccessToken (ne ($site.sessionStore | default $.Values.config.sessionStore) "redis") }}
sites[{{ $i }}].passAccessToken is true, but the sessionStore is not redis: cookies do not hold access tokens
{{- end }}
{{- end }}
{{- if and .Values.config.passAccessToken (ne .Values.config.sessionStore "redis") }}
config.passAccessToken is true, but config.sessionStore is not redis: cookies do not hold access tokens
{{- end }}
{{- end }}

{{- define "wxgate.faults.sites" -}}
{{- $hosts := dict -}}
{{- range $i, $site := .Values.sites }}
{{- if not (or $site.hosts $site.publicUrl) }}
sites[{{ $i }}] has neither hosts nor publicUrl: set the host by which requests reach the site
{{- end }}
{{- if not (or $site.appId $.Values.config.appId) }}
sites[{{ $i }}].appId is empty, and so is config.appId: set the AppID of the site's account
{{- end }}
{{- if and $site.appId (ne $site.appId $.Values.config.appId) (not (or $site.existingSecret (dig "secrets" "appSecret" "" $site))) }}
sites[{{ $i }}].existingSecret is empty, but the site has an account of its own: set it to the name of a Secret with the key app-secret
{{- end }}
{{- $own := list }}
{{- with $site.publicUrl | default $.Values.config.publicUrl }}{{ $own = append $own (include "wxgate.host" .) }}{{ end }}
{{- range $site.hosts }}{{ $own = append $own (include "wxgate.host" .) }}{{ end }}
{{- range uniq $own }}
{{- if hasKey $hosts . }}
sites[{{ $i }}] has the host {{ . }}, and so has sites[{{ get $hosts . }}]: a host belongs to one site
{{- end }}
{{- $_ := set $hosts . (toString $i) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.scaling" -}}
{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
autoscaling.minReplicas is {{ .minReplicas }}, above autoscaling.maxReplicas, {{ .maxReplicas }}: lower the one or raise the other
{{- end }}
{{- if not (dig "requests" "cpu" "" $.Values.resources) }}
autoscaling needs resources.requests.cpu, of which it measures a percentage
{{- end }}
{{- end }}
{{- end }}
{{- range $part := list "requests" "limits" }}
{{- $unit := regexReplaceAll "^[0-9.]+" (dig $part "memory" "" $.Values.resources | toString) "" }}
{{- if not (has $unit (list "" "k" "M" "G" "Ki" "Mi" "Gi")) }}
resources.{{ $part }}.memory has the unit {{ $unit }}: use Mi or Gi
{{- end }}
{{- end }}
{{- $request := include "wxgate.bytes" (dig "requests" "memory" "" .Values.resources) | float64 }}
{{- $limit := include "wxgate.bytes" (dig "limits" "memory" "" .Values.resources) | float64 }}
{{- if and (gt $limit 0.0) (gt $request $limit) }}
resources.requests.memory is {{ .Values.resources.requests.memory }}, above resources.limits.memory, {{ .Values.resources.limits.memory }}: lower the one or raise the other
{{- end }}
{{- $unavailable := toString .Values.podDisruptionBudget.maxUnavailable }}
{{- if and .Values.podDisruptionBudget.enabled (has $unavailable (list "0" "0%")) }}
podDisruptionBudget.maxUnavailable is {{ $unavailable }}: no node could be drained, allow 1 at least
{{- end }}
{{- end }}

{{- define "wxgate.faults.stop" -}}
{{- $stop := include "wxgate.stopSeconds" . | int }}
{{- $grace := include "wxgate.gracePeriod" . | int }}
{{- if lt $grace (add $stop 1 | int) }}
terminationGracePeriodSeconds is {{ $grace }}, but config.drainDelay and config.shutdownTimeout together are {{ $stop }} s: make it longer, or leave it empty
{{- end }}
{{- end }}

{{- define "wxgate.faults.fronts" -}}
{{- $forwards := include "wxgate.forwards" . }}
{{- with .Values }}
{{- $guards := list }}
{{- if .httpRoute.externalAuth.enabled }}{{ $guards = append $guards "httpRoute.externalAuth" }}{{ end }}
{{- range $front := list "traefik" "envoyGateway" "istio" "nginx" }}
{{- if (get $.Values $front).enabled }}{{ $guards = append $guards $front }}{{ end }}
{{- end }}
{{- if and $forwards $guards }}
{{ join ", " $guards }} is enabled, but in mode {{ .mode }} wxgate forwards the requests itself: choose mode forward-auth or extauthz, or leave it out
{{- end }}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) }}
httpRoute.parentRefs is empty: name the Gateway, such as [{name: eg, namespace: envoy-gateway-system}]
{{- end }}
{{- if not $forwards }}
{{- if not .config.trustedProxies }}
config.trustedProxies is empty, but in mode {{ .mode }} wxgate believes only these addresses: set it to the addresses of the proxy's pods, such as [10.244.0.0/16]
{{- end }}
{{- if and .httpRoute.enabled (not (or .httpRoute.externalAuth.enabled .envoyGateway.enabled .istio.enabled)) }}
httpRoute in mode {{ .mode }} would open the site to everyone: enable httpRoute.externalAuth, envoyGateway or istio too
{{- end }}
{{- if and .ingress.enabled (not .nginx.enabled) }}
ingress in mode {{ .mode }} would open the site to everyone: enable nginx too, or use traefik or httpRoute instead
{{- end }}
{{- if and (or .httpRoute.enabled .ingress.enabled .traefik.enabled) (not .site.service) }}
site.service is empty: in mode {{ .mode }} the routes lead to the Service of the site, so set its name
{{- end }}
{{- end }}
{{- if and .httpRoute.externalAuth.enabled (eq .mode "forward-auth") (not .httpRoute.externalAuth.clientHeadersRemoved) }}
httpRoute.externalAuth over HTTP lets clients send X-WX- headers for which wxgate has no value: choose mode extauthz, or let the gateway remove them and set httpRoute.externalAuth.clientHeadersRemoved
{{- end }}
{{- if and (eq .mode "extauthz") (or .traefik.enabled .nginx.enabled) }}
traefik and nginx ask over HTTP: choose mode forward-auth
{{- end }}
{{- if and (eq .mode "forward-auth") .istio.enabled }}
istio asks over gRPC: choose mode extauthz
{{- end }}
{{- if and .envoyGateway.enabled (eq .mode "forward-auth") (not (or .envoyGateway.clientTrafficPolicy .envoyGateway.clientHeadersRemoved)) }}
envoyGateway over HTTP lets clients send X-WX- headers for which wxgate has no value: choose mode extauthz, or set envoyGateway.clientTrafficPolicy so that the chart's policy removes them, or envoyGateway.clientHeadersRemoved if one of yours does
{{- end }}
{{- if and .envoyGateway.clientTrafficPolicy (not .envoyGateway.enabled) }}
envoyGateway.clientTrafficPolicy is set, but envoyGateway.enabled is false: enable it, or leave the policy out
{{- end }}
{{- $gateways := or .istio.enabled .envoyGateway.clientTrafficPolicy }}
{{- if and .httpRoute.enabled (or $gateways .envoyGateway.enabled) }}
{{- range $i, $ref := .httpRoute.parentRefs }}
{{- $kind := toString ($ref.kind | default "Gateway") }}
{{- if or (eq $kind "Service") (and $gateways (ne $kind "Gateway")) }}
httpRoute.parentRefs[{{ $i }}] is a {{ $ref.kind }}: the policies of the chart are for Gateways, so name a Gateway
{{- end }}
{{- end }}
{{- end }}
{{- if and .istio.enabled .httpRoute.enabled .istio.gateway }}
istio.gateway is set, but with httpRoute the policies are for the Gateways of httpRoute.parentRefs: leave istio.gateway out
{{- end }}
{{- if and .istio.enabled (not .httpRoute.enabled) (not .istio.gateway) (not .istio.gatewayLabels) }}
istio.gatewayLabels is empty: the policies would be for every pod of the namespace, so name the labels of the gateway's pods
{{- end }}
{{- if and .istio.enabled .httpRoute.enabled (not .istio.everyHost) }}
{{- range .httpRoute.hostnames }}
{{- if contains "*" . }}
httpRoute.hostnames has {{ . }}, which a policy of Istio cannot match with a port: name each host, or set istio.everyHost so that wxgate is asked about every host of the Gateway
{{- end }}
{{- end }}
{{- end }}
{{- if and .envoyGateway.enabled (not .httpRoute.enabled) }}
envoyGateway is enabled, but httpRoute is not: the policy guards the route of the site, so enable httpRoute
{{- end }}
{{- if and .nginx.enabled (not .ingress.enabled) }}
nginx is enabled, but ingress is not: enable ingress
{{- end }}
{{- if and .nginx.enabled .ingress.enabled (not (contains "nginx" .ingress.className)) (not .nginx.controllerIsIngressNginx) }}
ingress.className is {{ .ingress.className | default "empty" }}, and another controller than ingress-nginx ignores the annotations, which would open the site: name the class of ingress-nginx, or set nginx.controllerIsIngressNginx if that class is one
{{- end }}
{{- if and .ingress.enabled .httpRoute.enabled }}
ingress and httpRoute are both enabled: keep the one that your cluster uses
{{- end }}
{{- if and .httpRoute.externalAuth.enabled .envoyGateway.enabled }}
httpRoute.externalAuth and envoyGateway are both enabled: wxgate would be asked twice, keep one of them
{{- end }}
{{- range $front := list "httpRoute" "ingress" "traefik" }}
{{- if and $.Values.tls.existingSecret (get $.Values $front).enabled }}
tls.existingSecret is set, but {{ $front }} connects to wxgate by plain HTTP: end TLS at the gateway in front, and leave tls.existingSecret out
{{- end }}
{{- end }}
{{- range $url := include "wxgate.publicUrls" $ | fromYamlArray }}
{{- $host := include "wxgate.host" $url.value }}
{{- range $front := list "httpRoute" "ingress" }}
{{- if (get $.Values $front).enabled }}
{{- $listed := get (get $.Values $front) (ternary "hostnames" "hosts" (eq $front "httpRoute")) }}
{{- if and $listed (not (has $host $listed)) }}
{{ $front }}.{{ ternary "hostnames" "hosts" (eq $front "httpRoute") }} lacks {{ $host }}, the host of {{ $url.name }}: WeChat sends visitors back there, so add it
{{- end }}
{{- if and (not $listed) (regexMatch "^([0-9.]+|\\[.*)$" $host) }}
{{ $url.name }} is {{ $url.value }}, but {{ $front }} needs a host name: use a domain, which WeChat wants too
{{- end }}
{{- end }}
{{- end }}
{{- if $.Values.ingress.enabled }}
{{- if and $.Values.ingress.tls (hasPrefix "http://" $url.value) }}
{{ $url.name }} is {{ $url.value }}, but ingress.tls is set: write https, or browsers would not keep the session
{{- end }}
{{- if and (not $.Values.ingress.tls) (hasPrefix "https://" $url.value) (not $.Values.ingress.tlsElsewhere) }}
{{ $url.name }} is {{ $url.value }}, but ingress.tls is empty: set it, or ingress.tlsElsewhere if TLS ends before the Ingress or its class has a default certificate
{{- end }}
{{- end }}
{{- end }}
{{- if and .tls.existingSecret (hasPrefix "http://" (include "wxgate.origin" .config.publicUrl)) }}
config.publicUrl is {{ .config.publicUrl }}, but tls.existingSecret is set: write https
{{- end }}
{{- end }}
{{- end }}
