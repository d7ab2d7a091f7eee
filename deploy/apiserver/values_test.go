package main_test

// A setting is a set of values that works, for helm.
type setting struct{ name, values string }

const account = `
existingSecret: wxgate
config:
  appId: wx0123456789abcdef
  publicUrl: https://h5.example.com
`

const proxied = account + `
  upstream: http://web:80
`

const asked = account + `
  trustedProxies: [10.244.0.0/16]
  verifyFiles: [abcdefgh]
site: {service: web}
`

const fromIngress = `
networkPolicy:
  siteSelector: {app: web}
  siteFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]
  extauthzFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]
`

// settings are every mode and every optional object. In this order, a release is
// upgraded from each to the next.
var settings = []setting{
	{"four values", proxied},
	{"other variables", proxied + `
  logLevel: debug
  publicPaths: [/static/, "GET /news/{id}"]
`},
	{"scaling", proxied + `
autoscaling: {enabled: true, minReplicas: 3}
podDisruptionBudget: {maxUnavailable: 25%}
`},
	{"one pod", proxied + `
replicaCount: 1
networkPolicy: {enabled: false}
serviceAccount: {create: false}
test: {enabled: false}
`},
	{"one pod at a time", proxied + `
replicaCount: 1
strategy: {type: Recreate}
`},
	{"redis, relay and every file", proxied + `
  sessionStore: redis
  relayPaths: [POST /cgi-bin/message/template/send]
secrets:
  redisUrl: {key: redis-url}
  adminToken: {key: admin-token}
  assertionKeys: {existingSecret: keys, key: assertion.pem}
files:
  allowOpenids: {configMap: lists}
  denyOpenids: {secret: lists}
  redisCa: {configMap: ca}
  upstreamCa: {secret: ca}
  pages: {configMap: pages}
networkPolicy: {relayFrom: [{podSelector: {matchLabels: {app: web}}}]}
tracing: {endpoint: "http://otel-collector:4318", protocol: grpc, samplerArg: "0.1", sampler: parentbased_traceidratio}
`},
	{"several sites", `
existingSecret: wxgate
sites:
  - hosts: [shop.example.com]
    appId: wx1111111111111111
    existingSecret: shop
    publicUrl: https://shop.example.com
    upstream: http://shop:80
  - hosts: [news.example.com]
    appId: wx2222222222222222
    existingSecret: news
    publicUrl: https://news.example.com
    upstream: [{path: /, url: "http://news:80"}, {path: /api/, url: "http://api:80"}]
    files: {pages: {configMap: news-pages}}
httpRoute: {enabled: true, parentRefs: [{name: public, namespace: gateways}]}
`},
	{"Ingress and TLS", proxied + `
ingress: {enabled: true, className: nginx, tls: [{secretName: h5-tls}]}
`},
	{"TLS of its own", proxied + `
tls: {existingSecret: h5-tls}
`},
	{"monitoring", proxied + `
metrics:
  serviceMonitor: {enabled: true, labels: {release: prometheus}}
  podMonitor: {enabled: true}
  prometheusRule: {enabled: true}
  dashboard: {enabled: true}
  podAnnotations: true
`},
	{"sidecar", account + `
mode: sidecar
sidecar:
  containers:
    - name: web
      image: registry.example.com/web:1
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`},
	{"Traefik", asked + fromIngress + `
mode: forward-auth
traefik: {enabled: true}
`},
	{"ingress-nginx", asked + fromIngress + `
mode: forward-auth
nginx: {enabled: true}
ingress: {enabled: true, className: nginx, tls: [{secretName: h5-tls}]}
`},
	{"Envoy Gateway over HTTP", asked + fromIngress + `
mode: forward-auth
envoyGateway: {enabled: true, clientTrafficPolicy: true}
httpRoute: {enabled: true, parentRefs: [{name: public, namespace: gateways}]}
`},
	{"Envoy Gateway over gRPC", asked + fromIngress + `
mode: extauthz
envoyGateway: {enabled: true}
httpRoute: {enabled: true, parentRefs: [{name: public, namespace: gateways}]}
`},
	{"ExternalAuth over HTTP", asked + fromIngress + `
mode: forward-auth
httpRoute:
  enabled: true
  externalAuth: {enabled: true, clientHeadersRemoved: true}
  parentRefs: [{name: public, namespace: gateways}]
`},
	{"ExternalAuth over gRPC", asked + fromIngress + `
mode: extauthz
httpRoute: {enabled: true, externalAuth: {enabled: true}, parentRefs: [{name: public, namespace: gateways}]}
`},
	{"Istio", asked + fromIngress + `
mode: extauthz
istio: {enabled: true}
`},
	{"what charts have", proxied + `
image: {digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
imagePullSecrets: [{name: registry}]
commonLabels: {team: h5}
commonAnnotations: {example.com/owner: h5}
service: {type: LoadBalancer, port: 80, annotations: {example.com/lb: internal}}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: h5, operator: Exists, effect: NoSchedule}]
affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm:
  {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app.kubernetes.io/name: wxgate}}}}]}}
hostAliases: [{ip: 10.0.0.1, hostnames: [api.example.com]}]
dnsPolicy: None
dnsConfig: {nameservers: [10.0.0.10]}
priorityClassName: system-cluster-critical
podAnnotations: {example.com/a: b}
podLabels: {tier: edge}
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]
extraEnvFrom: [{secretRef: {name: more, optional: true}}]
extraVolumes: [{name: tmp, emptyDir: {}}]
extraVolumeMounts: [{name: tmp, mountPath: /tmp}]
extraContainers: [{name: log, image: busybox, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
initContainers: [{name: wait, image: busybox, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-more"}, data: {a: b}}]
`},
	{"four values again", proxied},
}
