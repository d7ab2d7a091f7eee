{{/* The pod of the Deployment. */}}
{{- define "wxgate.pod" -}}
serviceAccountName: {{ include "wxgate.serviceAccountName" . | quote }}
# wxgate does not use the Kubernetes API.
automountServiceAccountToken: false
# Otherwise each Service of the namespace adds environment variables.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ include "wxgate.gracePeriod" . }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
topologySpreadConstraints:
  {{- with .Values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "wxgate.selectorLabels" . | nindent 8 }}
  {{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "hostAliases" "dnsConfig" }}
{{- with get $.Values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . | quote }}
{{- end }}
{{- with .Values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: wxgate
    {{- include "wxgate.container" . | nindent 4 }}
  {{- if eq .Values.mode "sidecar" }}
  {{- range .Values.sidecar.containers }}
  {{- $container := deepCopy . }}
  {{- if not $container.lifecycle }}
  {{- $_ := set $container "lifecycle" (dict "preStop" (dict "sleep" (dict "seconds" (include "wxgate.stopSeconds" $ | int)))) }}
  {{- end }}
  - {{ toYaml $container | nindent 4 | trim }}
  {{- end }}
  {{- end }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  # Secrets and lists. The files belong to root; fsGroup makes them readable for the group.
  - name: files
    projected:
      defaultMode: 0400
      sources:
        {{- $files := include "wxgate.files" . | fromYamlArray }}
        {{- range $kind := list "secret" "configMap" }}
        {{- range $name := include "wxgate.sources" (dict "files" $files "kind" $kind) | fromYamlArray }}
        - {{ $kind }}:
            name: {{ $name | quote }}
            items:
              {{- range $files }}
              {{- if eq (get . $kind | toString) $name }}
              - key: {{ .key | quote }}
                path: {{ .path | quote }}
              {{- end }}
              {{- end }}
        {{- end }}
        {{- end }}
  {{- range include "wxgate.pages" . | fromYamlArray }}
  - name: {{ .volume }}
    configMap:
      name: {{ .configMap | quote }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* wxgate's container, without its name. */}}
{{- define "wxgate.container" -}}
image: {{ include "wxgate.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy | quote }}
envFrom:
  {{- with .Values.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  # The last source wins: no other one may replace a variable of the chart.
  - configMapRef:
      name: {{ include "wxgate.fullname" . | quote }}
env:
  # Files, because `kubectl describe` shows environment variables and child processes inherit them.
  {{- range include "wxgate.files" . | fromYamlArray }}
  - name: {{ .variable | quote }}
    value: {{ printf "/etc/wxgate/%s" .path | quote }}
  {{- end }}
  {{- range include "wxgate.pages" . | fromYamlArray }}
  - name: {{ .variable | quote }}
    value: {{ printf "/etc/wxgate-%s" .path | quote }}
  {{- end }}
  {{- with include "wxgate.goMemLimit" . }}
  - name: GOMEMLIMIT
    value: {{ . | quote }}
  {{- end }}
  {{- with .Values.go.gc }}
  - name: GOGC
    value: {{ . | quote }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: http
    containerPort: {{ .Values.containerPorts.http }}
  - name: admin
    containerPort: {{ .Values.containerPorts.admin }}
  {{- if eq .Values.mode "extauthz" }}
  - name: extauthz
    containerPort: {{ .Values.containerPorts.extauthz }}
  {{- end }}
  {{- with include "wxgate.relay" . }}
  - name: relay
    containerPort: {{ . }}
  {{- end }}
# Fails only when the process hangs: a restart does not help when WeChat or the upstream is unavailable.
livenessProbe:
  httpGet:
    path: /healthz
    port: admin
  {{- toYaml .Values.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  {{- toYaml .Values.readinessProbe | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  - name: files
    mountPath: /etc/wxgate
    readOnly: true
  {{- range include "wxgate.pages" . | fromYamlArray }}
  - name: {{ .volume }}
    mountPath: /etc/wxgate-{{ .path }}
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
