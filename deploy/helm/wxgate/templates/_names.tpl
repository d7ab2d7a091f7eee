{{/* Names and labels. */}}

{{- define "wxgate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* The name of the objects: 50 characters at most, since some add a suffix. */}}
{{- define "wxgate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "wxgate.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "wxgate.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "wxgate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "wxgate.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Labels of the pods of the Deployment. */}}
{{- define "wxgate.podLabels" -}}
{{- merge (dict) (include "wxgate.selectorLabels" . | fromYaml) (default (dict) .Values.podLabels) (default (dict) .Values.commonLabels) | toYaml -}}
{{- end }}

{{/* The pod of `helm test`: another name, so that no Service or policy of the gateway selects it. */}}
{{- define "wxgate.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "wxgate.name" . | trunc 58) | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The headless Service of the admin port. */}}
{{- define "wxgate.adminLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: admin
{{- end }}

{{- define "wxgate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{ include "wxgate.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Metadata of an object. Input: root, and optionally suffix, labels and annotations. */}}
{{- define "wxgate.metadata" -}}
{{- $labels := merge (dict) (default (dict) .labels) (include "wxgate.labels" .root | fromYaml) -}}
{{- $annotations := merge (dict) (default (dict) .annotations) (default (dict) .root.Values.commonAnnotations) -}}
{{- $namespace := default .root.Release.Namespace .namespace -}}
{{- /* In a namespace that several releases share, the name says whose the object is. */ -}}
{{- $owner := eq $namespace .root.Release.Namespace | ternary "" (printf "%s-" .root.Release.Namespace) -}}
name: {{ printf "%s%s%s" $owner (include "wxgate.fullname" .root) (empty .suffix | ternary "" (printf "-%s" .suffix)) | quote }}
namespace: {{ $namespace | quote }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "wxgate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Mode of the process: the chart's modes sidecar and extauthz are settings of proxy and forward-auth. */}}
{{- define "wxgate.forwards" -}}
{{- if has .Values.mode (list "proxy" "sidecar") }}true{{ end -}}
{{- end }}

{{/* Names of the session cookies of all sites, each once: a YAML list. */}}
{{- define "wxgate.cookieNames" -}}
{{- $config := .Values.config.cookieName | default "wxgate" -}}
{{- $names := empty .Values.sites | ternary (list $config) (list) -}}
{{- range .Values.sites }}{{ $names = append $names (.cookieName | default $config) }}{{ end -}}
{{- $names | uniq | toYaml -}}
{{- end }}

{{/* Path of wxgate's own endpoints. */}}
{{- define "wxgate.prefix" -}}
{{- .Values.config.prefix | default "/_wx" -}}
{{- end }}

{{/* Port of the API relay, or nothing without relay. */}}
{{- define "wxgate.relay" -}}
{{- if .Values.config.relayPaths }}{{ .Values.containerPorts.relay }}{{ end -}}
{{- end }}

{{/* Number of pods that there are at least. */}}
{{- define "wxgate.minimum" -}}
{{- if .Values.autoscaling.enabled }}{{ .Values.autoscaling.minReplicas }}{{ else }}{{ .Values.replicaCount }}{{ end -}}
{{- end }}

{{/* The Service of the ports whose callers are not authenticated: relay and ext_authz. */}}
{{- define "wxgate.internal" -}}
{{ include "wxgate.fullname" . }}-internal
{{- end }}

{{/* Gateways of httpRoute.parentRefs, each once: a YAML list of name and namespace. */}}
{{- define "wxgate.gateways" -}}
{{- $gateways := list -}}
{{- range .Values.httpRoute.parentRefs -}}
{{- $gateways = append $gateways (dict "name" .name "namespace" (.namespace | default $.Release.Namespace)) -}}
{{- end -}}
{{- $gateways | uniq | toYaml -}}
{{- end }}

{{/* Public hosts, without ports: a YAML list. */}}
{{- define "wxgate.hosts" -}}
{{- $hosts := list -}}
{{- with .Values.config.publicUrl }}{{ $hosts = append $hosts (include "wxgate.host" .) }}{{ end -}}
{{- range .Values.sites -}}
{{- with .publicUrl }}{{ $hosts = append $hosts (include "wxgate.host" .) }}{{ end -}}
{{- range .hosts }}{{ $hosts = append $hosts (include "wxgate.host" .) }}{{ end -}}
{{- end -}}
{{- $hosts | uniq | toYaml -}}
{{- end }}

{{/* Host of an origin or of host:port, in the form that routes have it in. */}}
{{- define "wxgate.host" -}}
{{- $host := regexReplaceAll "^[a-z]+://" (trim . | lower) "" | trimSuffix "/" -}}
{{- regexReplaceAll ":[0-9]+$" $host "" | trimSuffix "." -}}
{{- end }}

{{/* An origin in the form in which two of them can be compared. */}}
{{- define "wxgate.origin" -}}
{{- $origin := trim (toString .) | lower | trimSuffix "/" -}}
{{- trimSuffix (hasPrefix "http:" $origin | ternary ":80" ":443") $origin -}}
{{- end }}

{{/* Public URLs, a YAML list of: name of the value, value. */}}
{{- define "wxgate.publicUrls" -}}
{{- $list := list -}}
{{- with .Values.config.publicUrl }}{{ $list = append $list (dict "name" "config.publicUrl" "value" (include "wxgate.origin" .)) }}{{ end -}}
{{- range $i, $site := .Values.sites -}}
{{- with $site.publicUrl }}{{ $list = append $list (dict "name" (printf "sites[%d].publicUrl" $i) "value" (include "wxgate.origin" .)) }}{{ end -}}
{{- end -}}
{{- $list | toYaml -}}
{{- end }}
