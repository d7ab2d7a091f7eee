package helm_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// ownNamespace is the namespace of wxgate and the site.
const ownNamespace = "my-site"

// check checks the objects of one release or one kustomization.
func check(t *testing.T, os objects) {
	t.Helper()
	checkPodSecurity(t, os)
}

// A pod is one that an object makes.
type pod struct {
	object object
	meta   metav1.ObjectMeta
	spec   corev1.PodSpec
}

func (os objects) pods() []pod {
	var found []pod
	for _, o := range os {
		switch typed := o.typed.(type) {
		case *appsv1.Deployment:
			found = append(found, pod{o, typed.Spec.Template.ObjectMeta, typed.Spec.Template.Spec})
		case *corev1.Pod:
			found = append(found, pod{o, typed.ObjectMeta, typed.Spec})
		}
	}
	return found
}

// checkPodSecurity checks that the restricted Pod Security Standard admits all pods.
func checkPodSecurity(t *testing.T, os objects) {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, p := range os.pods() {
		results := evaluator.EvaluatePod(restricted, &p.meta, &p.spec)
		if len(results) == 0 {
			t.Error("no check of the restricted standard was made")
		}
		for _, r := range results {
			if !r.Allowed {
				t.Errorf("%s: restricted standard: %s: %s", p.object, r.ForbiddenReason, r.ForbiddenDetail)
			}
		}
	}
}
