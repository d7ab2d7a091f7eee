{{/* Parts of the routes. */}}

{{/* Backend, filters and timeouts of a rule. */}}
{{- define "wxgate.routeRule" -}}
{{- with .filters }}
filters:
  {{- toYaml . | nindent 2 }}
{{- end }}
backendRefs:
  - {{ toYaml .backend | nindent 4 | trim }}
{{- with .root.Values.httpRoute.timeouts }}
timeouts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Tokens of the verification files of all sites: a YAML list. */}}
{{- define "wxgate.verifyFiles" -}}
{{- $tokens := default (list) .Values.config.verifyFiles -}}
{{- range .Values.sites }}{{ $tokens = concat $tokens (default (list) .verifyFiles) }}{{ end -}}
{{- $trimmed := list -}}
{{- range $tokens }}{{ $trimmed = append $trimmed (trim .) }}{{ end -}}
{{- $trimmed | uniq | toYaml -}}
{{- end }}

{{/* wxgate's own pages, as exact paths, for routes that must not lead to the auth endpoint: a YAML list. */}}
{{- define "wxgate.ownPaths" -}}
{{- $paths := list -}}
{{- range list "login" "callback" "logout" "me" "config" "session" "jssdk" "jwks.json" -}}
{{- $paths = append $paths (printf "%s/%s" (include "wxgate.prefix" $) .) -}}
{{- end -}}
{{- range include "wxgate.verifyFiles" . | fromYamlArray }}{{ $paths = append $paths (printf "/MP_verify_%s.txt" .) }}{{ end -}}
{{- $paths | toYaml -}}
{{- end }}

{{/* Headers by which a client could describe another request. */}}
{{- define "wxgate.claims" -}}
[X-Forwarded-Host, X-Forwarded-Method, X-Forwarded-Uri, X-Original-URL, X-Original-URI, X-Original-Method, X-Rewrite-URL, Forwarded]
{{- end }}

{{/* Filters of a route with the removal of the claims. A rule may have one filter of a type, so it goes into one that is there. */}}
{{- define "wxgate.withoutClaims" -}}
{{- $claims := include "wxgate.claims" . | fromYamlArray -}}
{{- $filters := list -}}
{{- $found := false -}}
{{- range .Values.httpRoute.filters -}}
{{- $filter := deepCopy . -}}
{{- if eq (toString .type) "RequestHeaderModifier" -}}
{{- $found = true -}}
{{- $modifier := default (dict) $filter.requestHeaderModifier -}}
{{- $own := list -}}
{{- range concat (default (list) $modifier.set) (default (list) $modifier.add) }}{{ $own = append $own (lower .name) }}{{ end -}}
{{- $remove := default (list) $modifier.remove -}}
{{- range $claims }}{{ if not (or (has (lower .) $own) (has . $remove)) }}{{ $remove = append $remove . }}{{ end }}{{ end -}}
{{- $_ := set $filter "requestHeaderModifier" (set $modifier "remove" $remove) -}}
{{- end -}}
{{- $filters = append $filters $filter -}}
{{- end -}}
{{- if not $found -}}
{{- $filters = prepend $filters (dict "type" "RequestHeaderModifier" "requestHeaderModifier" (dict "remove" $claims)) -}}
{{- end -}}
{{- $filters | toYaml -}}
{{- end }}

{{/* Request headers by which wxgate tells a page load from a script, and finds the session. */}}
{{- define "wxgate.askedHeaders" -}}
[Cookie, User-Agent, Accept, Accept-Language, X-Requested-With, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Fetch-Site, Origin, Referer, Upgrade, Connection, X-Forwarded-For, X-Forwarded-Proto, X-Request-ID]
{{- end }}

{{/* Headers that wxgate gives to the site. */}}
{{- define "wxgate.identityHeaders" -}}
[X-WX-OpenID, X-WX-AppID, X-WX-Source, X-WX-Scope, X-WX-UnionID, X-WX-Nickname, X-WX-Avatar, X-WX-Subscribed, X-WX-Snapshot-User, X-WX-Access-Token, X-WX-Assertion]
{{- end }}

{{/*
Headers that WeChat's cloud hosting knows beside those. wxgate never sends them; a proxy that removes only headers with a
name has to name them.
*/}}
{{- define "wxgate.foreignHeaders" -}}
[X-WX-From-OpenID, X-WX-From-AppID, X-WX-From-UnionID, X-WX-From-Cloudbase-Access-Token, X-WX-Cloudbase-Access-Token, X-WX-Env, X-WX-Service, X-WX-Call-ID, X-WX-Region, X-WX-Gateway-ID, X-WX-Resource-AppID, X-WX-Exclude-Credentials]
{{- end }}

{{/* The filter ExternalAuth of the Gateway API. */}}
{{- define "wxgate.externalAuth" -}}
type: ExternalAuth
externalAuth:
  {{- if eq .Values.mode "extauthz" }}
  protocol: GRPC
  backendRef:
    name: {{ include "wxgate.internal" . | quote }}
    port: {{ .Values.containerPorts.extauthz }}
  grpc: {}
  {{- else }}
  protocol: HTTP
  backendRef:
    name: {{ include "wxgate.fullname" . | quote }}
    port: {{ .Values.service.port }}
  http:
    path: {{ printf "%s/auth" (include "wxgate.prefix" .) | quote }}
    allowedHeaders: {{ include "wxgate.askedHeaders" . }}
    allowedResponseHeaders: {{ include "wxgate.identityHeaders" . }}
  {{- end }}
{{- end }}

{{/* Class and TLS of an Ingress. */}}
{{- define "wxgate.ingressHead" -}}
{{- with .root.Values.ingress.className }}
ingressClassName: {{ . | quote }}
{{- end }}
{{- with .root.Values.ingress.tls }}
tls:
  {{- range . }}
  - hosts:
      {{- toYaml (.hosts | default $.hosts) | nindent 6 }}
    secretName: {{ .secretName | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.ingressPath" -}}
path: {{ .path | quote }}
pathType: {{ .type }}
backend:
  service:
    name: {{ .service | quote }}
    port:
      number: {{ .port }}
{{- end }}

{{/*
ingress-nginx sends the request to auth-url with X-Original-URL and X-Original-Method, and takes 2xx, 401 and 403. It sets
each of auth-response-headers, also to nothing, so that no header of the client is left. It sets X-Forwarded-Host itself. The
auth question has no Upgrade header, so that wxgate cannot refuse an upgrade such as h2c, in which nothing would be checked:
with the header "Connection: keep-alive", the site gets no upgrade at all.
*/}}
{{- define "wxgate.nginxAnnotations" -}}
{{- $set := concat (include "wxgate.identityHeaders" . | fromYamlArray) (include "wxgate.foreignHeaders" . | fromYamlArray) -}}
{{- $set = concat $set (without (include "wxgate.claims" . | fromYamlArray) "X-Forwarded-Host") (list "traceparent" "tracestate" "baggage") -}}
nginx.ingress.kubernetes.io/auth-url: {{ printf "http://%s.%s.svc.cluster.local:%d%s/auth" (include "wxgate.fullname" .) .Release.Namespace (int .Values.service.port) (include "wxgate.prefix" .) | quote }}
nginx.ingress.kubernetes.io/auth-signin: {{ printf "$scheme://$host%s/login?return_to=$escaped_request_uri" (include "wxgate.prefix" .) | quote }}
nginx.ingress.kubernetes.io/auth-signin-redirect-param: return_to
nginx.ingress.kubernetes.io/auth-response-headers: {{ join "," $set | quote }}
nginx.ingress.kubernetes.io/auth-always-set-cookie: "true"
{{- if not .Values.nginx.anyUpgrade }}
nginx.ingress.kubernetes.io/connection-proxy-header: keep-alive
{{- end }}
{{- end }}

{{/*
What Istio's policies are for, a YAML list of: namespace, name of the CUSTOM policy, name of the DENY policy, and gateway or
nothing. With httpRoute, the Gateways that have the route: a policy works only in the namespace of its Gateway.
*/}}
{{- define "wxgate.istioTargets" -}}
{{- $targets := list -}}
{{- if .Values.httpRoute.enabled -}}
{{- range include "wxgate.gateways" . | fromYamlArray -}}
{{- $targets = append $targets (dict "namespace" .namespace "gateway" .name "ask" (printf "ask-%s" .name) "deny" (printf "deny-auth-%s" .name)) -}}
{{- end -}}
{{- else -}}
{{- $targets = append $targets (dict "namespace" (.Values.istio.gatewayNamespace | default .Release.Namespace) "gateway" .Values.istio.gateway "ask" "" "deny" "deny-auth") -}}
{{- end -}}
{{- $targets | toYaml -}}
{{- end }}

{{/* Pods of one of these targets. Input: root and target. */}}
{{- define "wxgate.istioTarget" -}}
{{- if .target.gateway -}}
targetRefs:
  - group: gateway.networking.k8s.io
    kind: Gateway
    name: {{ .target.gateway | quote }}
{{- else -}}
selector:
  matchLabels:
    {{- toYaml .root.Values.istio.gatewayLabels | nindent 4 }}
{{- end -}}
{{- end }}

{{/*
Hosts of Istio's policies, with and without port: a YAML list, empty for every host. Istio knows one * in a pattern, so that
*.example.com has no form with a port.
*/}}
{{- define "wxgate.istioHosts" -}}
{{- $hosts := list -}}
{{- if not .Values.istio.everyHost -}}
{{- $own := include "wxgate.hosts" . | fromYamlArray -}}
{{- if .Values.httpRoute.enabled }}{{ $own = concat $own (default (list) .Values.httpRoute.hostnames) | uniq }}{{ end -}}
{{- range $own }}{{ $hosts = concat $hosts (list . (printf "%s:*" .)) }}{{ end -}}
{{- end -}}
{{- $hosts | toYaml -}}
{{- end }}
