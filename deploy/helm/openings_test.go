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

func TestValuesThatOpenMoreThanTheySay(t *testing.T) {
	t.Parallel()
	for name, bad := range openings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, bad, "These values cannot work")
		})
	}
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
		"another prefix": "extraEnvFrom: [{prefix: APP_, configMapRef: {name: more}}]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRender(t, withFour(values))
		})
	}
}
