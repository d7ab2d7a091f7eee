package helm_test

// modes are combinations of a mode, and of what leads requests to wxgate.
var modes = map[string]string{
	"HTTPRoute": httpRoute,
	"HTTPRoute with everything": httpRoute + `
  hostnames: [h5.example.com]
  annotations: {a: b}
  filters:
    - {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: X-Served-By, value: wxgate}]}}
  timeouts: {request: 1h}
`,
	"Ingress": `
ingress: {enabled: true, className: traefik, tls: [{secretName: h5-tls}]}
`,
	"Ingress of nginx": `
ingress:
  enabled: true
  className: nginx
  hosts: [h5.example.com]
  annotations: {cert-manager.io/cluster-issuer: letsencrypt}
  tls: [{secretName: h5-tls, hosts: [h5.example.com]}]
`,
	"Ingress, TLS elsewhere": "ingress: {enabled: true, tlsElsewhere: true}",
	"Ingress, plain http":    "config: {publicUrl: 'http://h5.example.com'}\ningress: {enabled: true}",
	"sidecar":                sidecar,
	"sidecar, HTTPRoute, autoscaling": sidecar + httpRoute + `
autoscaling: {enabled: true}
`,
	"sidecar with its own hook": `
mode: sidecar
config: {upstream: ""}
sidecar:
  port: 8000
  containers:
    - name: site
      image: registry.example.com/site:1.0.0
      lifecycle: {preStop: {exec: {command: [sleep, "40"]}}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`,
	"forward-auth": asked("forward-auth"),
	"forward-auth, Envoy Gateway": asked("forward-auth") + httpRoute +
		"envoyGateway: {enabled: true, clientTrafficPolicy: true}\n",
	"forward-auth, Envoy Gateway, own policy": asked("forward-auth") + httpRoute + `
  filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Edge, value: a}], remove: [X-Debug]}}]
envoyGateway: {enabled: true, clientHeadersRemoved: true}
`,
	"forward-auth, ExternalAuth": asked("forward-auth") + httpRoute + `
  externalAuth: {enabled: true, clientHeadersRemoved: true}
`,
	"forward-auth, Traefik": asked("forward-auth") + `
traefik: {enabled: true, entryPoints: [web, websecure], tls: {secretName: h5-tls}}
`,
	"forward-auth, Traefik, more names": asked("forward-auth") + `
fullnameOverride: gate
service: {port: 80}
traefik: {enabled: true}
`,
	"forward-auth, nginx": asked("forward-auth") + `
nginx: {enabled: true}
ingress: {enabled: true, className: nginx, tls: [{secretName: h5-tls}]}
`,
	"forward-auth, nginx of another name": asked("forward-auth") + `
nginx: {enabled: true, controllerIsIngressNginx: true, anyUpgrade: true}
ingress: {enabled: true, className: public, tls: [{secretName: h5-tls}]}
`,
	"extauthz":                extauthz,
	"extauthz, Envoy Gateway": extauthz + httpRoute + "envoyGateway: {enabled: true}\n",
	"extauthz, ExternalAuth":  extauthz + httpRoute + "  externalAuth: {enabled: true}\n",
	"extauthz, Istio":         extauthz + httpRoute + "istio: {enabled: true}\n",
	"extauthz, Istio, two Gateways": extauthz + `
httpRoute: {enabled: true, parentRefs: [{name: web, namespace: infra}, {name: web}, {name: internal, namespace: infra}]}
istio: {enabled: true}
`,
	"extauthz, Istio, every host":        extauthz + httpRoute + "istio: {enabled: true, everyHost: true}\n",
	"extauthz, no route to the site yet": extauthz + httpRoute + "  site: false\nenvoyGateway: {enabled: true}\n",
	"extauthz, a balancer": extauthz + "service: {type: LoadBalancer}\n---\n" + relayPeers +
		"config: {relayPaths: [/cgi-bin/menu/get]}\n",
	"extauthz, Istio without routes": extauthz + `
istio: {enabled: true, provider: gate, gatewayNamespace: gateways, gatewayLabels: {app: gateway}}
`,
	"extauthz, relay, other ports": extauthz + `
containerPorts: {http: 8000, admin: 9000, relay: 8002, extauthz: 9100}
`,
}

const httpRoute = `
httpRoute:
  enabled: true
  parentRefs: [{name: eg, namespace: envoy-gateway-system, sectionName: https}]
`

const sidecar = `
mode: sidecar
config: {upstream: ""}
sidecar:
  containers:
    - name: site
      image: registry.example.com/site:1.0.0
      ports: [{name: site, containerPort: 3000}]
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// asked returns the values of a mode in which another proxy asks wxgate.
func asked(mode string) string {
	return `
mode: ` + mode + `
config: {upstream: "", trustedProxies: [10.244.0.0/16], verifyFiles: [abc123]}
site: {service: web, port: 80}
networkPolicy:
  siteSelector: {app.kubernetes.io/name: web}
  siteFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: proxies}}}]
  extauthzFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: proxies}}}]
`
}

var extauthz = asked("extauthz")

// manySites are combinations with several sites in one process.
var manySites = map[string]string{
	"sites of one account": `
sites:
  - {hosts: [a.example.com], publicUrl: "https://a.example.com", upstream: "http://a"}
  - {hosts: [b.example.com, www.b.example.com], publicUrl: "https://b.example.com", upstream: "http://b"}
`,
	"sites of several accounts": `
config: {appId: "", publicUrl: "", upstream: ""}
sites:
  - hosts: [a.example.com]
    publicUrl: https://a.example.com
    appId: wx1111111111111111
    existingSecret: account-a
    upstream: [{path: /, url: "http://a"}, {path: /api/, url: "http://api"}]
    publicPaths: [/static/]
    verifyFiles: [abc123]
  - publicUrl: https://b.example.com
    appId: wx2222222222222222
    secrets: {appSecret: {existingSecret: account-b, key: secret}, cookieKeys: {existingSecret: keys-b, key: keys}}
    files: {denyOpenids: {configMap: lists}, pages: {configMap: pages-b}, upstreamCa: {secret: ca-b}}
    upstream: https://b
    scope: snsapi_userinfo
    requireFollow: true
    sessionTtl: 1h
`,
	"sites behind Envoy Gateway": asked("forward-auth") + httpRoute + `
envoyGateway: {enabled: true, clientTrafficPolicy: true}
sites:
  - {hosts: [a.example.com], publicUrl: "https://a.example.com"}
  - {hosts: [b.example.com], publicUrl: "https://b.example.com", verifyFiles: [bbb]}
`,
	"sites with an Ingress": `
ingress: {enabled: true, tls: [{secretName: all}]}
sites:
  - {hosts: [a.example.com], publicUrl: "https://a.example.com", upstream: "http://a"}
  - {hosts: [b.example.com], publicUrl: "https://b.example.com", upstream: "http://b"}
`,
	"sites with Redis": `
config: {sessionStore: redis}
secrets: {redisUrl: {key: redis-url}}
sites:
  - {publicUrl: "https://a.example.com", upstream: "http://a", sessionStore: cookie}
  - {publicUrl: "https://b.example.com", upstream: "http://b", passAccessToken: true}
`,
}
