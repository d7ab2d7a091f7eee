{{/* Network policies that open more than they say, or nothing. */}}

{{- define "wxgate.faults.policies" -}}
{{- with .Values.networkPolicy }}
{{- if not .enabled }}
{{- if and (include "wxgate.relay" $) (not .openRelay) }}
networkPolicy.enabled is false, but config.relayPaths is set: the relay does not authenticate its callers, so enable the policies, or set networkPolicy.openRelay if every pod of the cluster may ask it
{{- end }}
{{- if .siteSelector }}
networkPolicy.siteSelector is set, but networkPolicy.enabled is false, so that nothing guards the site: enable the policies, or leave siteSelector out
{{- end }}
{{- end }}
{{- if .enabled }}
{{- if and (include "wxgate.relay" $) (not .relayFrom) }}
networkPolicy.relayFrom is empty: the relay does not authenticate its callers, so name the pods of the site that may ask it
{{- end }}
{{- if and (eq $.Values.mode "extauthz") (not .extauthzFrom) }}
networkPolicy.extauthzFrom is empty: ext_authz does not authenticate its callers, so name the proxy's pods, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: istio-ingress}}}]
{{- end }}
{{- if and .siteSelector (not (include "wxgate.forwards" $)) (not .siteFrom) }}
networkPolicy.siteFrom is empty: in mode {{ $.Values.mode }} the proxy forwards to the site, so name the proxy's pods
{{- end }}
{{- if and .siteSelector (eq $.Values.mode "sidecar") }}
networkPolicy.siteSelector has no use in mode sidecar: the site is in the pod of wxgate, leave it out
{{- end }}
{{- if and .siteSelector (include "wxgate.selectsOwnPods" $) }}
networkPolicy.siteSelector selects wxgate's own pods too: all of their ports would be open to those who may reach the site, so name labels that only the site's pods have
{{- end }}
{{- range $list := list "siteFrom" "relayFrom" "extauthzFrom" }}
{{- if not (and (eq $list "relayFrom") $.Values.networkPolicy.openRelay) }}
{{- range default (list) (get $.Values.networkPolicy $list) }}
{{- if include "wxgate.isEveryone" . }}
networkPolicy.{{ $list }} has a peer that is every pod of the cluster: name a namespace, such as {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: envoy-gateway-system}}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Prints true if networkPolicy.siteSelector selects the pods of the Deployment. */}}
{{- define "wxgate.selectsOwnPods" -}}
{{- $labels := include "wxgate.podLabels" . | fromYaml -}}
{{- $all := true -}}
{{- range $name, $value := .Values.networkPolicy.siteSelector }}{{ if ne (get $labels $name) $value }}{{ $all = false }}{{ end }}{{ end -}}
{{- if $all }}true{{ end -}}
{{- end }}

{{/* Prints true if a peer of a network policy is all pods of all namespaces, or all addresses. */}}
{{- define "wxgate.isEveryone" -}}
{{- $namespaces := and (hasKey . "namespaceSelector") (not (or (dig "namespaceSelector" "matchLabels" "" .) (dig "namespaceSelector" "matchExpressions" "" .))) -}}
{{- $pods := not (or (dig "podSelector" "matchLabels" "" .) (dig "podSelector" "matchExpressions" "" .)) -}}
{{- if or (and $namespaces $pods) (hasSuffix "/0" (dig "ipBlock" "cidr" "" .)) }}true{{ end -}}
{{- end }}
