{{- define "quantconnect-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Room is left for what Kubernetes appends: the ordinal of a pod, and the hash of a revision. */}}
{{- define "quantconnect-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "quantconnect-exporter.selector" -}}
app.kubernetes.io/name: {{ include "quantconnect-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "quantconnect-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "quantconnect-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "quantconnect-exporter.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "quantconnect-exporter.serviceAccountName" -}}
{{- with .Values.serviceAccount -}}
{{- .name | default (ternary (include "quantconnect-exporter.fullname" $) "default" .create) -}}
{{- end -}}
{{- end -}}

{{/* Metadata and endpoint of a ServiceMonitor or a PodMonitor, which differ in nothing else but what they select. */}}
{{- define "quantconnect-exporter.monitorMetadata" -}}
name: {{ include "quantconnect-exporter.fullname" .context }}
namespace: {{ .monitor.namespace | default .context.Release.Namespace }}
labels:
  {{- include "quantconnect-exporter.labels" .context | nindent 2 }}
  {{- with .monitor.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "quantconnect-exporter.monitorEndpoint" -}}
{{- $web := .context.Values.web -}}
port: http
scheme: {{ include "quantconnect-exporter.scheme" .context }}
{{- if $web.tlsSecretName }}
tlsConfig:
  {{- with .monitor.tlsConfig }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  ca:
    secret:
      name: {{ $web.tlsSecretName }}
      key: ca.crt
  # Prometheus asks the pods by their addresses, which are in no certificate.
  serverName: {{ include "quantconnect-exporter.fullname" .context }}.{{ .context.Release.Namespace }}.svc
  {{- end }}
{{- end }}
{{- if $web.login }}
basicAuth:
  {{- range list "username" "password" }}
  {{ . }}:
    name: {{ $web.secretName }}
    key: {{ . }}
  {{- end }}
{{- end }}
interval: {{ .monitor.interval }}
scrapeTimeout: {{ .monitor.scrapeTimeout }}
honorLabels: {{ .monitor.honorLabels }}
relabelings:
  - targetLabel: job
    replacement: {{ .monitor.job }}
  # A name that survives a restart, other than the pod's address, and differs between namespaces.
  - sourceLabels: [__meta_kubernetes_namespace, __meta_kubernetes_pod_name]
    separator: /
    targetLabel: instance
  # Names of Kubernetes' own that tell nothing more: a change of one would begin every series anew.
  - action: labeldrop
    regex: endpoint|container|service
  {{- with .monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "quantconnect-exporter.secretName" -}}
{{- default (include "quantconnect-exporter.fullname" .) .Values.secret.name -}}
{{- end -}}

{{- define "quantconnect-exporter.config" -}}
{{- if kindIs "string" .Values.config -}}
{{- .Values.config -}}
{{- else if .Values.config -}}
{{- toYaml .Values.config -}}
{{- end -}}
{{- end -}}

{{- define "quantconnect-exporter.scheme" -}}
{{- ternary "https" "http" (not (empty .Values.web.tlsSecretName)) -}}
{{- end -}}

{{/* A probe of one page. The kubelet can speak https, but it has no password: then the image's own check asks. */}}
{{- define "quantconnect-exporter.probe" -}}
{{- if .context.Values.web.login -}}
exec:
  command: [python, /opt/quantconnect-exporter/healthcheck.py, {{ .path }}]
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
  scheme: {{ include "quantconnect-exporter.scheme" .context | upper }}
{{- end -}}
{{- end -}}

{{/* What the schema cannot say: which values exclude or need each other. */}}
{{- define "quantconnect-exporter.check" -}}
{{- $v := .Values -}}
{{- if and $v.demo (or $v.userId $v.config $v.secret.name $v.secret.data) -}}
{{- fail "demo brings its own account: remove userId, config and secret" -}}
{{- end -}}
{{- if and $v.userId $v.config -}}
{{- fail "give either userId or config, not both" -}}
{{- end -}}
{{- if and $v.secret.name $v.secret.data -}}
{{- fail "give either secret.name or secret.data, not both" -}}
{{- end -}}
{{- if not (or $v.demo $v.userId $v.config) -}}
{{- fail "give userId or config, or try it with demo: true" -}}
{{- end -}}
{{- if not (or $v.demo $v.secret.name $v.secret.data) -}}
{{- fail "give secret.name, a Secret with your API token, or secret.data" -}}
{{- end -}}
{{- if and $v.userId $v.secret.data (not (hasKey $v.secret.data "token")) -}}
{{- fail "with userId, the token must be under the key token of secret.data" -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled -}}
{{- fail "give either serviceMonitor or podMonitor, not both: each pod would be scraped twice" -}}
{{- end -}}
{{- if and (or $v.web.tlsSecretName $v.web.login) (not $v.web.secretName) -}}
{{- fail "web.tlsSecretName and web.login need web.secretName, a Secret with web.yml" -}}
{{- end -}}
{{- if regexMatch "\\bapi_token[\"']?\\s*:" (include "quantconnect-exporter.config" .) -}}
{{- fail "config is readable by many: put the token into the secret and name it with api_token_file" -}}
{{- end -}}
{{- end -}}
