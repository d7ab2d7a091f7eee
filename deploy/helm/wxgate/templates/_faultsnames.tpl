{{/* Faults of the names of Secrets, ConfigMaps and the image. */}}

{{- define "wxgate.faults.names" -}}
{{ include "wxgate.faults.objectName" (dict "name" "existingSecret" "value" .Values.existingSecret) }}
{{ include "wxgate.faults.objectName" (dict "name" "tls.existingSecret" "value" .Values.tls.existingSecret) }}
{{ include "wxgate.faults.objectName" (dict "name" "tracing.headers.existingSecret" "value" .Values.tracing.headers.existingSecret) }}
{{ include "wxgate.faults.objectNames" (dict "of" "" "scope" .Values) }}
{{- range $i, $site := .Values.sites }}
{{ include "wxgate.faults.objectName" (dict "name" (printf "sites[%d].existingSecret" $i) "value" $site.existingSecret) }}
{{ include "wxgate.faults.objectNames" (dict "of" (printf "sites[%d]." $i) "scope" $site) }}
{{- end }}
{{- with .Values.image }}
{{- if regexMatch "[^/]:[^/]*$|@" .repository }}
image.repository is {{ include "wxgate.shown" .repository }}: write the image without tag and digest, and set image.tag or image.digest
{{- else if not (regexMatch "^[a-z0-9.-]+(:[0-9]+/)?[a-z0-9._/-]*$" .repository) }}
image.repository is {{ include "wxgate.shown" .repository }}: write a name in small letters, such as registry.example.com/wxgate
{{- end }}
{{- if not (regexMatch "^[A-Za-z0-9_.-]*$" .tag) }}
image.tag is {{ include "wxgate.shown" .tag }}: write the tag alone, such as 1.0.0
{{- end }}
{{- if not (regexMatch "^(sha256:[0-9a-f]{64})?$" .digest) }}
image.digest is {{ include "wxgate.shown" .digest }}: write sha256: and 64 hexadecimal digits
{{- end }}
{{- end }}
{{- end }}

{{/* The names in secrets and files of one scope. Input: of, which comes before them, and scope. */}}
{{- define "wxgate.faults.objectNames" -}}
{{- range $key, $secret := default (dict) .scope.secrets }}
{{ include "wxgate.faults.objectName" (dict "name" (printf "%ssecrets.%s.existingSecret" $.of $key) "value" $secret.existingSecret) }}
{{- end }}
{{- range $key, $file := default (dict) .scope.files }}
{{ include "wxgate.faults.objectName" (dict "name" (printf "%sfiles.%s.configMap" $.of $key) "value" $file.configMap) }}
{{ include "wxgate.faults.objectName" (dict "name" (printf "%sfiles.%s.secret" $.of $key) "value" $file.secret) }}
{{- end }}
{{- end }}

{{- define "wxgate.faults.objectName" -}}
{{- with .value }}
{{- if or (gt (len .) 253) (not (regexMatch "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" .)) }}
{{ $.name }} is {{ include "wxgate.shown" . }}: write the name of an object in the namespace of the release, in small letters, digits, - and .
{{- end }}
{{- end }}
{{- end }}
