package helm_test

import "testing"

// Releases of one name in several namespaces can have objects in one namespace: that
// of the Gateway. Helm refuses to install a release whose object belongs to another.
func TestReleasesShareANamespace(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{
		"Istio": extauthz + "\n---\nistio: {enabled: true}",
		"Envoy Gateway": asked("forward-auth") + `
httpRoute: {enabled: true, parentRefs: [{name: web, namespace: infra}]}
envoyGateway: {enabled: true, clientTrafficPolicy: true}
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken, elsewhere := map[string]bool{}, 0
			for _, namespace := range []string{"shop", "news"} {
				r := withFour(values)
				r.namespace = namespace
				for _, o := range mustRender(t, r).objects {
					key := o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
					if taken[key] {
						t.Errorf("two releases have %s", key)
					}
					taken[key] = true
					if o.GetNamespace() != namespace {
						elsewhere++
					}
				}
			}
			if elsewhere == 0 {
				t.Error("no object in another namespace")
			}
		})
	}
}
