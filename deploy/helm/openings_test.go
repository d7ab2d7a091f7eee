package helm_test

import "testing"

// openings are values that would let in more than they say.
var openings = map[string]badValue{
	"a site's policy for wxgate's pods": {
		"commonLabels: {team: h5}\nnetworkPolicy: {siteSelector: {team: h5}}",
		[]string{"networkPolicy.siteSelector selects wxgate's own pods"},
	},
	"a site's policy for the release": {
		"networkPolicy: {siteSelector: {app.kubernetes.io/instance: wxgate}}",
		[]string{"networkPolicy.siteSelector selects wxgate's own pods"},
	},
	"a site's policy for a label of the pods": {
		"podLabels: {tier: web}\nnetworkPolicy: {siteSelector: {tier: web}}",
		[]string{"networkPolicy.siteSelector selects wxgate's own pods"},
	},
	"the site for every namespace": {
		"networkPolicy: {siteSelector: {app: web}, siteFrom: [{namespaceSelector: {}}]}",
		[]string{"networkPolicy.siteFrom", "every pod of the cluster"},
	},
	"ext_authz for every namespace": {
		extauthz + "\n---\nnetworkPolicy: {extauthzFrom: [{namespaceSelector: {matchLabels: {}}, podSelector: {}}]}",
		[]string{"networkPolicy.extauthzFrom", "every pod of the cluster"},
	},
	"the relay for every address": {
		"config: {relayPaths: [/cgi-bin/menu/get]}\nnetworkPolicy: {relayFrom: [{ipBlock: {cidr: 0.0.0.0/0}}]}",
		[]string{"networkPolicy.relayFrom", "every pod of the cluster"},
	},
	"a policy of Envoy Gateway at a Service": {
		extauthz + "httpRoute: {enabled: true, parentRefs: [{name: web, kind: Service, group: ''}]}\n" +
			"envoyGateway: {enabled: true}",
		[]string{"httpRoute.parentRefs[0] is a Service"},
	},
	"answers of wxgate that nginx keeps": {
		nginx + "  annotations: {nginx.ingress.kubernetes.io/auth-cache-key: $remote_user}",
		[]string{"ingress.annotations has nginx.ingress.kubernetes.io/auth-cache-key"},
	},
	"addresses about which nginx does not ask": {
		nginx + "commonAnnotations: {nginx.ingress.kubernetes.io/satisfy: any}",
		[]string{"commonAnnotations has nginx.ingress.kubernetes.io/satisfy"},
	},
	"an identity of a filter": {
		extauthz + httpRoute + "  filters: [{type: RequestHeaderModifier, requestHeaderModifier:\n" +
			"    {set: [{name: x-wx-openid, value: a}]}}]\nenvoyGateway: {enabled: true}",
		[]string{"httpRoute.filters has the header x-wx-openid"},
	},
	"a filter that removes the identity": {
		extauthz + httpRoute + "  filters: [{type: RequestHeaderModifier, requestHeaderModifier:\n" +
			"    {remove: [X_WX_OpenID]}}]\nenvoyGateway: {enabled: true}",
		[]string{"httpRoute.filters has the header X_WX_OpenID"},
	},
	"another path for nginx": {
		"ingress: {enabled: true, className: nginx, tlsElsewhere: true,\n" +
			"  annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}}",
		[]string{"ingress.annotations has nginx.ingress.kubernetes.io/rewrite-target"},
	},
	"another path for a gateway": {
		httpRoute + "  filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /}}}]",
		[]string{"httpRoute.filters has a URLRewrite"},
	},
	"a redirect for every request": {
		httpRoute + "  filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]",
		[]string{"httpRoute.filters has a RequestRedirect"},
	},
	"a prefix of wxgate's variables": {
		"extraEnvFrom: [{prefix: WXGATE_, configMapRef: {name: more}}]", []string{"extraEnvFrom has the prefix WXGATE_"},
	},
	"the beginning of that prefix": {
		"extraEnvFrom: [{prefix: WX, secretRef: {name: more}}]", []string{"extraEnvFrom has the prefix WX"},
	},
	"a prefix of a site's variables": {
		"extraEnvFrom: [{prefix: WXGATE_SITES_0_, secretRef: {name: more}}]", []string{"extraEnvFrom", "WXGATE_SITES_0_"},
	},
	"a collector's token for traces in plain text": {
		"extraEnv: [{name: OTEL_EXPORTER_OTLP_TRACES_HEADERS, value: a=b}]",
		[]string{"extraEnv has OTEL_EXPORTER_OTLP_TRACES_HEADERS"},
	},
	"a password of a registry": {
		"image: {repository: 'https://u:planted@registry.example.com/wxgate'}", []string{"image.repository"},
	},
}

var nginx = asked("forward-auth") +
	"nginx: {enabled: true}\ningress:\n  enabled: true\n  className: nginx\n  tlsElsewhere: true\n"

func TestValuesThatOpenMoreThanTheySay(t *testing.T) {
	t.Parallel()
	refusedEach(t, openings, "These values cannot work")
}

// Values like these that say what they open.
func TestValuesThatOpenWhatTheySay(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{
		"a label that is not only wxgate's": "commonLabels: {team: h5}\nnetworkPolicy: {siteSelector: {team: h5, app: web}}",
		"pods of every namespace": "networkPolicy: {siteSelector: {app: web},\n" +
			"  siteFrom: [{namespaceSelector: {}, podSelector: {matchLabels: {app: envoy}}}]}",
		"all pods of the namespace": "networkPolicy: {siteSelector: {app: web}, siteFrom: [{podSelector: {}}]}",
		"some namespaces": "networkPolicy: {siteSelector: {app: web}, siteFrom: [{namespaceSelector:\n" +
			"  {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [a, b]}]}}]}",
		"a network":     "networkPolicy: {from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}",
		"an open relay": "config: {relayPaths: [/cgi-bin/menu/get]}\nnetworkPolicy: {openRelay: true, relayFrom: [{namespaceSelector: {}}]}",
		"a policy of Envoy Gateway at a ListenerSet": extauthz +
			"httpRoute: {enabled: true, parentRefs: [{name: web, kind: ListenerSet}]}\nenvoyGateway: {enabled: true}",
		"another host for the site": httpRoute + "  filters: [{type: URLRewrite, urlRewrite: {hostname: web.example.com}}]",
		"headers of a filter, where wxgate removes the client's": httpRoute +
			"  filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-WX-OpenID]}}]",
		"other annotations of nginx": nginx +
			"  annotations: {nginx.ingress.kubernetes.io/auth-proxy-set-headers: a, cert-manager.io/cluster-issuer: b}",
		"lists that are null": extauthz + "\n---\nextraContainers: null\nextraVolumes: null\nextraEnv: null\n" +
			"initContainers: null\nextraVolumeMounts: null\nextraEnvFrom: null\nnetworkPolicy: {relayFrom: null}",
		"another prefix": "extraEnvFrom: [{prefix: APP_, configMapRef: {name: more}}]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRender(t, withFour(values))
		})
	}
}
