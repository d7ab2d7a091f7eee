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
{{- $tokens | uniq | toYaml -}}
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

{{/* Request headers by which wxgate tells a page load from a script, and finds the session. */}}
{{- define "wxgate.askedHeaders" -}}
[Cookie, User-Agent, Accept, Accept-Language, X-Requested-With, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Fetch-Site, Origin, Referer, Upgrade, Connection, X-Forwarded-For, X-Forwarded-Proto, X-Request-ID]
{{- end }}

{{/* Headers that wxgate gives to the site. */}}
{{- define "wxgate.identityHeaders" -}}
[X-WX-OpenID, X-WX-AppID, X-WX-Source, X-WX-Scope, X-WX-UnionID, X-WX-Nickname, X-WX-Avatar, X-WX-Subscribed, X-WX-Snapshot-User, X-WX-Access-Token, X-WX-Assertion]
{{- end }}

{{/* The filter ExternalAuth of the Gateway API. */}}
{{- define "wxgate.externalAuth" -}}
type: ExternalAuth
externalAuth:
  {{- if eq .Values.mode "extauthz" }}
  protocol: GRPC
  backendRef:
    name: {{ include "wxgate.fullname" . }}
    port: {{ .Values.containerPorts.extauthz }}
  grpc: {}
  {{- else }}
  protocol: HTTP
  backendRef:
    name: {{ include "wxgate.fullname" . }}
    port: {{ .Values.service.port }}
  http:
    path: {{ include "wxgate.prefix" . }}/auth
    allowedHeaders: {{ include "wxgate.askedHeaders" . }}
    allowedResponseHeaders: {{ include "wxgate.identityHeaders" . }}
  {{- end }}
{{- end }}

{{/* Class and TLS of an Ingress. */}}
{{- define "wxgate.ingressHead" -}}
{{- with .root.Values.ingress.className }}
ingressClassName: {{ . }}
{{- end }}
{{- with .root.Values.ingress.tls }}
tls:
  {{- range . }}
  - hosts:
      {{- toYaml (.hosts | default $.hosts) | nindent 6 }}
    secretName: {{ .secretName }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "wxgate.ingressPath" -}}
path: {{ .path }}
pathType: {{ .type }}
backend:
  service:
    name: {{ .service }}
    port:
      number: {{ .port }}
{{- end }}

{{/*
ingress-nginx sends the request to auth-url with X-Original-URL and X-Original-Method, and takes 2xx, 401 and 403. It sets
each of auth-response-headers, also to nothing, so that no header of the client is left.
*/}}
{{- define "wxgate.nginxAnnotations" -}}
{{- $identity := include "wxgate.identityHeaders" . | fromYamlArray -}}
nginx.ingress.kubernetes.io/auth-url: http://{{ include "wxgate.fullname" . }}.{{ .Release.Namespace }}.svc.cluster.local:{{ .Values.service.port }}{{ include "wxgate.prefix" . }}/auth
nginx.ingress.kubernetes.io/auth-signin: $scheme://$host{{ include "wxgate.prefix" . }}/login?return_to=$escaped_request_uri
nginx.ingress.kubernetes.io/auth-signin-redirect-param: return_to
nginx.ingress.kubernetes.io/auth-response-headers: {{ join "," $identity }}
nginx.ingress.kubernetes.io/auth-always-set-cookie: "true"
{{- end }}

{{/* Pods that an Istio policy is for: a Gateway of the Gateway API, or pods by labels. */}}
{{- define "wxgate.istioTarget" -}}
{{- if .Values.istio.gateway -}}
targetRefs:
  - group: gateway.networking.k8s.io
    kind: Gateway
    name: {{ .Values.istio.gateway }}
{{- else -}}
selector:
  matchLabels:
    {{- toYaml .Values.istio.gatewayLabels | nindent 4 }}
{{- end -}}
{{- end }}
