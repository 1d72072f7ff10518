{{/* The release's name, as a Service can bear it: it begins with a letter and has no dot. */}}
{{- define "sapphire.name" -}}
{{- $name := .Release.Name | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $name }}{{ $name = printf "sapphire-%s" $name }}{{ end -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "sapphire.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sapphire.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "sapphire.selector" -}}
app.kubernetes.io/name: sapphire-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sapphire.labels" -}}
{{ include "sapphire.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* An image: registry, repository, and digest or tag. */}}
{{- define "sapphire.image" -}}
{{- $image := .image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .appVersion $image.tag }}{{ end -}}
{{- end -}}

{{/* Subject of every binding. */}}
{{- define "sapphire.subject" -}}
- kind: ServiceAccount
  name: {{ include "sapphire.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
