package helm_test

import "testing"

// Who may connect to what, with all policies of the chart.
func TestNetworkPolicies(t *testing.T) {
	t.Parallel()
	proxy := map[string]string{"app": "envoy"}
	prometheus := map[string]string{"app.kubernetes.io/name": "prometheus"}
	blog := map[string]string{"app": "blog"}
	site := map[string]string{"app.kubernetes.io/name": "web", "pod-template-hash": "abc"}
	const http, admin, relay, extauthz, page = "http", "admin", "relay", "extauthz", "page"
	tests := []struct {
		values    string
		namespace string
		pod       map[string]string // nil: wxgate's
		port      string            // page is the site's, the others wxgate's
		allowed   bool
	}{
		{combinations["network policies"], ownNamespace, nil, page, true},
		{combinations["network policies"], ownNamespace, site, page, false},
		{combinations["network policies"], ownNamespace, blog, page, false},
		{combinations["network policies"], "monitoring", prometheus, page, false},
		{combinations["network policies"], "envoy-gateway-system", proxy, page, false},
		{combinations["network policies"], "other", nil, page, false},
		{combinations["network policies"], "envoy-gateway-system", proxy, http, true},
		{combinations["network policies"], ownNamespace, blog, http, false},
		{combinations["network policies"], ownNamespace, site, http, false},
		{combinations["network policies"], "monitoring", prometheus, http, false},
		{combinations["network policies"], "monitoring", prometheus, admin, true},
		{combinations["network policies"], "observability", prometheus, admin, true},
		{combinations["network policies"], "envoy-gateway-system", proxy, admin, false},
		{combinations["network policies"], ownNamespace, blog, admin, false},
		{combinations["network policies"], ownNamespace, site, admin, false},
		{combinations["network policies"], ownNamespace, nil, admin, false},
		{combinations["network policies"], "other", nil, admin, false},
		{combinations["network policies"], ownNamespace, blog, relay, false},

		{combinations["four values"], "anywhere", proxy, http, true},
		{combinations["four values"], ownNamespace, blog, http, true},
		{combinations["four values"], "monitoring", prometheus, admin, true},
		{combinations["four values"], ownNamespace, blog, page, true}, // no policy for the site

		{combinations["relay"], ownNamespace, map[string]string{"app": "web"}, relay, true},
		{combinations["relay"], ownNamespace, blog, relay, false},
		{combinations["relay"], "other", map[string]string{"app": "web"}, relay, false},
		{combinations["relay"], "monitoring", prometheus, relay, false},

		{modes["extauthz"], "proxies", proxy, extauthz, true},
		{modes["extauthz"], "proxies", proxy, page, true},
		{modes["extauthz"], "proxies", proxy, admin, false},
		{modes["extauthz"], ownNamespace, blog, extauthz, false},
		{modes["extauthz"], ownNamespace, site, extauthz, false},
		{modes["extauthz"], "other", proxy, extauthz, false},
		{modes["extauthz"], "other", proxy, page, false},
		{modes["forward-auth"], "proxies", proxy, page, true},
		{modes["forward-auth"], ownNamespace, blog, page, false},

		{modes["sidecar"], "anywhere", proxy, http, true},
		{modes["sidecar"], "anywhere", proxy, "site", false},
		{modes["sidecar"], "monitoring", prometheus, "site", false},

		{combinations["no admin peers"], "monitoring", prometheus, admin, false},
	}
	for _, tt := range tests {
		os := mustRender(t, withFour(tt.values)).objects
		p, _ := wxgateContainer(t, os)
		from, to := peer{tt.namespace, tt.pod}, peer{ownNamespace, p.meta.Labels}
		if tt.pod == nil {
			from.labels = p.meta.Labels
		}
		port := tt.port
		if port == page {
			to.labels, port = site, http
		}
		if got := connects(t, networkPolicies(t, os), from, to, port); got != tt.allowed {
			t.Errorf("%v in %s to the port %s: allowed %t, want %t, with the values\n%s",
				from.labels, from.namespace, tt.port, got, tt.allowed, tt.values)
		}
	}
}

// The pod of `helm test` may ask the admin port, through the Service that it names.
func TestHelmTestReachesTheAdminPort(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"", "fullnameOverride: gate\ncontainerPorts: {admin: 9000}", modes["extauthz"]} {
		os := mustRender(t, withFour(values)).objects
		wxgate, _ := wxgateContainer(t, os)
		found := false
		for _, p := range os.pods() {
			if p.isDeployment() {
				continue
			}
			found = true
			from, to := peer{ownNamespace, p.meta.Labels}, peer{ownNamespace, wxgate.meta.Labels}
			if !connects(t, networkPolicies(t, os), from, to, "admin") {
				t.Error("the policies refuse the pod of helm test")
			}
			address := environment(t, os, p.spec.Containers[0])["WXGATE_ADMIN_LISTEN"]
			b := urlBackend(p.object, "http://"+address)
			if !leadsTo(os, b, "admin") {
				t.Errorf("the pod of helm test asks %s, which no Service leads to the admin port", address)
			}
		}
		if !found {
			t.Error("no pod of helm test")
		}
	}
}
