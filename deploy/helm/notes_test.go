package helm_test

import (
	"strings"
	"testing"
)

const (
	noPolicies = "networkPolicy: {enabled: false, siteSelector: null}"
	noSelector = "networkPolicy: {siteSelector: null}"
	noPeers    = "networkPolicy: {siteSelector: null, siteFrom: null}"
)

// NOTES say what is open and how to close it, and ask for nothing that is set.
func TestNotesWarn(t *testing.T) {
	t.Parallel()
	const (
		admin    = "may connect to wxgate's admin port"
		enable   = "set networkPolicy.enabled to true"
		selector = "networkPolicy.siteSelector to the labels"
		from     = "networkPolicy.siteFrom to the pods of that proxy"
		byGate   = "so only wxgate may reach it"
		byProxy  = "so only the proxy that asks wxgate may reach it"
		callers  = "to ext_authz, which does not authenticate its callers"
		noRoute  = "No route was created"
		ask      = "/_wx/auth about each request"
	)
	for _, tt := range []struct {
		name, values string
		want, lacks  []string
	}{
		{"proxy", "", []string{"set " + selector, byGate, noRoute}, []string{admin, enable, from, byProxy, ask}},
		{"proxy, guarded", "networkPolicy: {siteSelector: {app: web}}", nil, []string{admin, enable, selector,
			byGate}},
		{"proxy, no policies", noPolicies, []string{admin, enable + ", and " + selector, byGate}, []string{from,
			callers}},
		{"proxy, route", httpRoute, []string{byGate}, []string{noRoute}},
		{"sidecar", sidecar, []string{noRoute}, []string{admin, enable, selector, byGate, byProxy, "own port"}},
		{"sidecar, no policies", sidecar + "networkPolicy: {enabled: false}", []string{admin, "the site's own port"},
			[]string{enable, selector, byGate}},
		{"relay, no policies", "config: {relayPaths: [/a]}\nnetworkPolicy: {enabled: false, openRelay: true}",
			[]string{"to the relay, which does not authenticate its callers"}, nil},
		{"forward-auth, guarded", asked("forward-auth"), []string{noRoute, ask,
			"route /_wx/ to the Service wxgate, port 8080",
			"route /MP_verify_abc123.txt"}, []string{admin, enable, selector, from, byGate, byProxy}},
		{"forward-auth, open", asked("forward-auth") + "\n---\n" + noPeers, []string{"set " + selector, from,
			byProxy},
			[]string{admin, enable, byGate}},
		{"forward-auth, proxy named", asked("forward-auth") + "\n---\n" + noSelector, []string{"set " + selector,
			byProxy},
			[]string{enable, from}},
		{"forward-auth, no policies", asked("forward-auth") + "\n---\n" + noPolicies + "\n---\n" + noPeers,
			[]string{admin, enable + ", " + selector, from, byProxy}, []string{byGate, callers}},
		{"forward-auth, Traefik", asked("forward-auth") + "traefik: {enabled: true}", nil, []string{noRoute, ask}},
		{"extauthz, guarded", extauthz, []string{noRoute, "ask ext_authz", "route /_wx/ to"}, []string{admin,
			enable, selector, ask}},
		{"extauthz, open", extauthz + "\n---\n" + noPeers, []string{"set " + selector, from, byProxy},
			[]string{admin, enable, byGate}},
		{"extauthz, no policies", extauthz + "\n---\n" + noPolicies + "\n---\n" + noPeers,
			[]string{admin, callers, enable + ", " + selector, from, byProxy}, []string{byGate}},
		{"extauthz, Envoy Gateway", extauthz + httpRoute + "envoyGateway: {enabled: true}",
			[]string{"The site is open until"}, []string{noRoute, enable}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			notes := mustRender(t, withFour(tt.values)).notes
			line := strings.Join(strings.Fields(notes), " ")
			for _, want := range tt.want {
				if !strings.Contains(line, want) {
					t.Errorf("notes lack %q:\n%s", want, notes)
				}
			}
			for _, lacks := range tt.lacks {
				if strings.Contains(line, lacks) {
					t.Errorf("notes have %q:\n%s", lacks, notes)
				}
			}
		})
	}
}
